import type { DescMessage, DescService } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, type FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import { systemError } from "../../base/error.ts";
import type { ProtoContract } from "../../codec/protobuf/proto-contract.ts";
import { contract, type AnyContract } from "../../contract/contract.ts";
import { operation } from "../../contract/operation.ts";
import { wellKnownOf } from "../../codec/protobuf/imported-model.ts";
import { commentOf } from "./comments.ts";
import { contractNameOf, isIdempotent, kindOf, membersOf } from "./members.ts";
import { parseFiles, type ProtoSources } from "./parse-files.ts";
import { Files } from "./proto-files.ts";

/** A service of somebody's .proto file. */
export interface ImportedProto {
  /** Its methods as operations; the compiler knows no names of them. `trunkline import proto` writes a module in which it does. */
  readonly contract: AnyContract;
  /** Its names and numbers on the wire. */
  readonly proto: ProtoContract;
}

/**
 * Makes contracts of the services in .proto files, at run time: nothing is generated. Takes the text of one file, texts by
 * the paths under which they import each other, or a descriptor set as `protoc --descriptor_set_out` and `buf build` write
 * it. Google's own files need not be given. Reads proto3. Texts need `protobufjs`.
 *
 * @throws TrunklineError INVALID_ARGUMENT that says what cannot be used, and where it stands.
 */
export function importProto(source: string | ProtoSources | Uint8Array): readonly ImportedProto[] {
  const files = filesOf(source);
  return files.services.map((service) => {
    const made = contractOf(service, files);
    return { contract: made, proto: files.service(service.typeName, made) };
  });
}

export function filesOf(source: string | ProtoSources | Uint8Array): Files {
  if (typeof source === "string") return new Files(parseFiles({ "main.proto": source }));
  return new Files(source instanceof Uint8Array ? setOf(source) : parseFiles(source));
}

function setOf(bytes: Uint8Array): FileDescriptorSet {
  try {
    return fromBinary(FileDescriptorSetSchema, bytes);
  } catch (cause) {
    throw systemError("INVALID_ARGUMENT", "these bytes are no descriptor set", {
      executed: "no",
      cause,
    });
  }
}

function contractOf(service: DescService, files: Files): AnyContract {
  const { name, version } = contractNameOf(service);
  const operations = [...membersOf(service)].map(([member, method]) => {
    const description = commentOf(method);
    const made = operation(kindOf(method), {
      ...payload("in", method.input, files),
      ...payload("out", method.output, files),
      idempotent: isIdempotent(method),
      ...(description === undefined ? {} : { description }),
    });
    return [member, made] as const;
  });
  return contract(name, { version }, Object.fromEntries(operations) as object);
}

/** A message that can hold nothing is no payload. */
function payload(side: "in" | "out", message: DescMessage, files: Files): object {
  return wellKnownOf(message.typeName) === "Empty" ? {} : { [side]: files.schemaOf(message) };
}
