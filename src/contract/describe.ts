import type { ContractShape, JsonSchema, OperationShape } from "../base/contract-shape.ts";
import { info, operationsOf, type AnyContract } from "./contract.ts";
import { digestOf, operationDigest } from "./digest.ts";
import { wireSchema } from "./json-schema.ts";
import type { Operation } from "./operation.ts";
import type { Schema } from "./schema.ts";

/** A contract as plain JSON: to print, to publish, to compare, to make other documents from. */
export interface ContractDescription extends ContractShape {
  readonly digest: string;
  readonly operations: Readonly<Record<string, OperationDescription>>;
}

export interface OperationDescription extends OperationShape {
  readonly digest: string;
}

/** Everything that a contract says, without the libraries that it was written with. Never throws. */
export function describe(contract: AnyContract): ContractDescription {
  const { name, version } = contract[info];
  const operations = operationsOf(contract).map(([operationName, operation]) => [
    operationName,
    describeOperation(operation),
  ]);
  return { name, version, digest: digestOf(contract), operations: Object.fromEntries(operations) };
}

function describeOperation(operation: Operation): OperationDescription {
  const { kind, description, idempotent, key, delivery, deadlineMs, idleMs } = operation;
  const codes = Object.entries(operation.errors);
  const errors = codes.map(([code, schema]) => [code, describeSchema(schema) ?? null]);
  const told = {
    kind,
    description,
    idempotent,
    key,
    delivery,
    deadlineMs,
    idleMs,
    head: describeSchema(operation.head),
    in: describeSchema(operation.in),
    out: describeSchema(operation.out),
    errors: codes.length === 0 ? undefined : Object.fromEntries(errors),
    digest: operationDigest(operation),
  };
  return Object.fromEntries(
    Object.entries(told).filter(([, value]) => value !== undefined),
  ) as unknown as OperationDescription;
}

function describeSchema(schema: Schema | undefined): JsonSchema | undefined {
  if (schema === undefined) return undefined;
  const { schema: told, note } = wireSchema(schema);
  return note === undefined ? told : { $comment: note, ...told };
}
