import { isBytes, type JsonSchema, type OperationShape } from "../../base/contract-shape.ts";
import { bytes } from "../../contract/bytes.ts";
import { operation, type Operation } from "../../contract/operation.ts";
import type { Schema } from "../../contract/schema.ts";
import { jsonSchema } from "../json-schema.ts";

/** An operation of a contract that is known when the program runs, as somebody's document describes it. */
export function operationOf(
  shape: OperationShape,
  definitions: Readonly<Record<string, JsonSchema>>,
): Operation {
  const { kind, description, idempotent, key, deadlineMs, idleMs, delivery, errors = {} } = shape;
  const schemaOf = (schema: JsonSchema | undefined | null): Schema | undefined => {
    if (schema === undefined || schema === null) return undefined;
    if (!isBytes(schema)) return jsonSchema(schema, { definitions });
    const { maxLength } = schema;
    const bound = typeof maxLength === "number" ? { max: maxLength } : {};
    return bytes(bound);
  };
  const codes = Object.entries(errors).map(([code, schema]) => [code, schemaOf(schema)]);
  return operation(kind, {
    head: schemaOf(shape.head),
    in: schemaOf(shape.in),
    out: schemaOf(shape.out),
    errors: Object.fromEntries(codes),
    idempotent,
    ...(description === undefined ? {} : { description }),
    ...(key === undefined ? {} : { key }),
    ...(delivery === undefined ? {} : { delivery }),
    ...(deadlineMs === undefined ? {} : { deadline: deadlineMs }),
    ...(idleMs === undefined ? {} : { idle: idleMs }),
  });
}
