import { systemError } from "../../base/error.ts";
import type { ContractShape } from "../../base/contract-shape.ts";
import type { Codec } from "../codec.ts";
import type { Format } from "../format.ts";
import { protoContract, type ProtoBinding, type ProtoContract } from "./proto-contract.ts";
import { protobufId, protobufName } from "./codec-name.ts";

export interface ProtobufOptions extends ProtoBinding {
  /** Contracts that come from somebody's .proto file. Default none: all are made from what the contract says. */
  readonly imported?: readonly ProtoContract[];
}

/**
 * Protobuf (proto3) as a format, for REST and Trunkline's own wire: the same messages as over gRPC. Both sides must give
 * fields the same numbers, so commit a lock file before the second version.
 */
export function protobuf(options: ProtobufOptions = {}): Format {
  const made = new WeakMap<ContractShape, ProtoContract>();
  const imported = new Map(options.imported?.map((each) => [each.contract, each]));
  const make = (shape: ContractShape): ProtoContract =>
    imported.get(`${shape.name}@${Number.parseInt(shape.version, 10)}`) ??
    protoContract(shape, options);
  return {
    name: protobufName,
    id: protobufId,
    mediaTypes: [
      "application/x-protobuf",
      "application/protobuf",
      "application/vnd.google.protobuf",
    ],
    text: false,
    codec({ contract, operation, part }): Codec {
      let proto = made.get(contract);
      if (proto === undefined) made.set(contract, (proto = make(contract)));
      const method = proto.methods.get(operation);
      const codec =
        part === "head"
          ? method?.head
          : part === "in"
            ? method?.input
            : part === "out"
              ? method?.output
              : method?.error(part.slice("error ".length))?.codec;
      if (codec !== undefined) return codec;
      throw systemError("INVALID_ARGUMENT", `${contract.name}.${operation} has no ${part}`, {
        executed: "no",
      });
    },
  };
}
