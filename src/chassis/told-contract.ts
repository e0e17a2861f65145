import { isBytes, type JsonSchema } from "../base/contract-shape.ts";
import { bytes } from "../contract/bytes.ts";
import { contract, type AnyContract } from "../contract/contract.ts";
import type { ContractDescription } from "../contract/describe.ts";
import { kinds } from "../contract/kinds.ts";
import { operation } from "../contract/operation.ts";
import { toldSchema } from "../contract/plain-schema.ts";
import type { Schema } from "../contract/schema.ts";

/**
 * A contract as its description tells it: for who calls or serves what it does not check itself. Operations of a kind that this
 * version does not know are left out.
 */
export function toldContract({ name, version, operations }: ContractDescription): AnyContract {
  const known = Object.entries(operations).filter(([, { kind }]) => Object.hasOwn(kinds, kind));
  const made = known.map(([member, told]) => {
    const { kind, idempotent, key, deadlineMs, idleMs, description, errors = {} } = told;
    const codes = Object.entries(errors).map(([code, schema]) => [code, schemaOf(schema)]);
    return [
      member,
      operation(kind, {
        head: schemaOf(told.head),
        in: schemaOf(told.in),
        out: schemaOf(told.out),
        errors: Object.fromEntries(codes),
        idempotent,
        ...(key === undefined ? {} : { key }),
        ...(deadlineMs === undefined ? {} : { deadline: deadlineMs }),
        ...(idleMs === undefined ? {} : { idle: idleMs }),
        ...(description === undefined ? {} : { description }),
      }),
    ];
  });
  return contract(name, { version: version as "1.0.0" }, Object.fromEntries(made) as object);
}

function schemaOf(schema: JsonSchema | null | undefined): Schema | undefined {
  if (schema === undefined || schema === null) return undefined;
  return isBytes(schema) ? bytes() : toldSchema(schema);
}
