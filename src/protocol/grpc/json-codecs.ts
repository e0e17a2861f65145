import { createFileRegistry, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import type { DescMessage, FileRegistry, JsonValue } from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { create, type DescFile } from "@bufbuild/protobuf";

import type { Codec } from "../../codec/codec.ts";
import type { ProtoContract, ProtoMethod } from "../../codec/protobuf/index.ts";
import type { Codecs } from "../operation.ts";

/** The files of Google's that a contract's file may import. */
export const wellKnownFiles: readonly DescFile[] = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

const registries = new WeakMap<FileDescriptorProto, FileRegistry>();

function registryOf({ file, imports }: ProtoContract): FileRegistry {
  let registry = registries.get(file);
  if (registry === undefined) {
    const set = create(FileDescriptorSetSchema, {
      file: [...wellKnownFiles.map((each) => each.proto), ...imports, file],
    });
    registries.set(file, (registry = createFileRegistry(set)));
  }
  return registry;
}

/** The messages of one method in the JSON of Protobuf (proto3 JSON mapping), which Connect speaks beside the bytes. */
export class JsonCodecs {
  readonly #registry: FileRegistry;
  readonly #input: DescMessage;
  readonly #output: DescMessage;

  static of(contract: ProtoContract, { name }: ProtoMethod): JsonCodecs {
    const registry = registryOf(contract);
    const { service } = contract;
    const method = registry.getService(service)?.methods.find((each) => each.name === name);
    if (method === undefined) throw new TypeError(`${service} has no method ${name}`);
    return new JsonCodecs(registry, method.input, method.output);
  }

  private constructor(registry: FileRegistry, input: DescMessage, output: DescMessage) {
    this.#registry = registry;
    this.#input = input;
    this.#output = output;
  }

  /** The same payloads: what the codecs of the bytes make of them is what the JSON says. */
  wrapping({ first, input, output, error }: Codecs): Codecs {
    return {
      first: this.#codec(this.#input, first),
      input: this.#codec(this.#input, input),
      output: this.#codec(this.#output, output),
      error,
    };
  }

  #codec(message: DescMessage, bytes: Codec): Codec {
    const registry = this.#registry;
    return {
      id: bytes.id,
      name: "JSON of Protobuf",
      encode(value) {
        const encoded = bytes.encode(value);
        const memory = typeof encoded === "string" ? Buffer.from(encoded) : encoded;
        return JSON.stringify(toJson(message, fromBinary(message, memory), { registry }));
      },
      decode(memory, from, to) {
        const text = memory.toString("utf8", from, to);
        // Connect: no body at all is the message in which nothing is set.
        const json = (text === "" ? {} : JSON.parse(text)) as JsonValue;
        const read = fromJson(message, json, { registry, ignoreUnknownFields: true });
        const encoded = toBinary(message, read);
        return bytes.decode(
          Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length),
          0,
          encoded.length,
        );
      },
    };
  }
}
