import {
  create,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
  type DescMessage,
  type FileRegistry,
  type JsonValue,
} from "@bufbuild/protobuf";

import type { Kind } from "../../../base/handler.ts";
import type { Codec } from "../../../codec/codec.ts";
import type { Codecs } from "../../operation.ts";
import type { Answering, Method } from "../methods.ts";
import type { ErrorTypes } from "../wire/failure.ts";

/** A method of one of gRPC's own services, which takes and gives messages as the library holds them. */
export function ownMethod(
  registry: FileRegistry,
  path: string,
  kind: Kind,
  served: Answering,
  errors: ErrorTypes,
): Method {
  const [, service = "", name] = path.split("/");
  const found = registry.getService(service)?.methods.find((each) => each.name === name);
  if (found === undefined) throw new TypeError(`there is no ${path}`);
  const { input, output } = found;
  return {
    name: `${service}/${name}`,
    path,
    kind,
    headless: kind === "duplex",
    safe: false,
    served,
    domain: service,
    errors,
    proto: codecs(bytesOf(input), bytesOf(output)),
    json: codecs(jsonOf(input), jsonOf(output)),
  };
}

function codecs(input: Codec, output: Codec): Codecs {
  return { first: input, input, output, error: () => output };
}

function bytesOf(desc: DescMessage): Codec {
  return {
    id: 0,
    name: "protobuf",
    encode: (value) => toBinary(desc, create(desc, value as never)),
    decode: (memory, from, to) => fromBinary(desc, memory.subarray(from, to)),
  };
}

function jsonOf(desc: DescMessage): Codec {
  return {
    id: 0,
    name: "JSON of Protobuf",
    encode: (value) => JSON.stringify(toJson(desc, create(desc, value as never))),
    decode(memory, from, to) {
      const json = (from === to ? {} : JSON.parse(memory.toString("utf8", from, to))) as JsonValue;
      return fromJson(desc, json, { ignoreUnknownFields: true });
    },
  };
}
