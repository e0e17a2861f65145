import { describe, operationsOf, type AnyContract } from "trunkline/contract";
import { avro, avroSchemaOf, type AvroSchema } from "trunkline/codec/avro";
import { cbor } from "trunkline/codec/cbor";
import { msgpack } from "trunkline/codec/msgpack";
import { protobuf, protoContract } from "trunkline/codec/protobuf";
import { xml } from "trunkline/codec/xml";
import { New, Old } from "./contracts.ts";

/** Every schema that a build writes with: the readers of the other build have it, as from a registry. */
function written(contract: AnyContract): AvroSchema[] {
  const shape = describe(contract);
  return operationsOf(contract).flatMap(([operation, { head, in: input, out, errors }]) => {
    const codes = Object.entries(errors).map(([code, data]) => [`error ${code}`, data] as const);
    const parts = [["head", head], ["in", input], ["out", out], ...codes] as const;
    return parts.flatMap(([part, schema]) =>
      schema === undefined ? [] : [avroSchemaOf({ contract: shape, operation, part })],
    );
  });
}

const { contract: name, lock: first } = protoContract(describe(Old));
/** As `trunkline proto` keeps it: the numbers of the old build, and those that the new one has added. */
const lock = {
  contracts: {
    [name]: protoContract(describe(New), { lock: { contracts: { [name]: first } } }).lock,
  },
};

export const formats = [
  msgpack(),
  cbor(),
  xml(),
  protobuf({ lock }),
  avro({ writers: [...written(Old), ...written(New)] }),
];
