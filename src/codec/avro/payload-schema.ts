import type { JsonSchema } from "../../base/contract-shape.ts";
import type { PayloadType } from "../format.ts";
import { avroJson, type Node } from "./node.ts";
import { planOf } from "./plan.ts";

/** A schema of Avro, as its JSON. */
export type AvroSchema = string | readonly unknown[] | Readonly<Record<string, unknown>>;

/**
 * The schema with which a payload of a contract is written: for other programs, registries, and `writers` of later versions
 * of the contract.
 */
export function avroSchemaOf(type: PayloadType): AvroSchema {
  return avroJson(nodeOf(type)) as AvroSchema;
}

/** How a payload of a contract is carried. */
export function nodeOf(type: PayloadType): Node {
  const { contract, operation, part } = type;
  const namespace = contract.name.replaceAll(/[^A-Za-z0-9_.]/g, "_");
  const [what, schema] = payloadOf(type);
  if (schema === undefined) return { kind: "null" };
  const code = part.startsWith("error ") ? part.slice("error ".length) : "";
  return planOf(schema, `${operation}${what}${code}`, namespace);
}

function payloadOf({ contract, operation, part }: PayloadType): [string, JsonSchema | undefined] {
  const shape = contract.operations[operation];
  switch (part) {
    case "in":
      return ["Input", shape?.in];
    case "out":
      return ["Output", shape?.out];
    case "head":
      return ["Head", shape?.head];
    default:
      return ["Error", shape?.errors?.[part.slice("error ".length)] ?? undefined];
  }
}
