import type { PayloadType } from "../format.ts";
import { avroJson, type Node } from "./node.ts";
import { payloadOf } from "../payload-schema.ts";
import { capital, planOf } from "./plan.ts";

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
  const { what, code, schema } = payloadOf(type);
  if (schema === undefined) return { kind: "null" };
  const namespace = type.contract.name.replaceAll(/[^A-Za-z0-9_.]/g, "_");
  return planOf(schema, `${type.operation}${capital(what)}${code}`, namespace);
}
