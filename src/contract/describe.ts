import type { Kind } from "../base/handler.ts";
import { info, operationsOf, type AnyContract } from "./contract.ts";
import { digestOf, operationDigest } from "./digest.ts";
import { wireSchema, type JsonSchema } from "./json-schema.ts";
import type { Idempotency, Operation } from "./operation.ts";
import type { Schema } from "./schema.ts";

/** A contract as plain JSON: to print, to publish, to compare, to make other documents from. */
export interface ContractDescription {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  readonly operations: Readonly<Record<string, OperationDescription>>;
}

/** What is absent was not declared. */
export interface OperationDescription {
  readonly kind: Kind;
  readonly description?: string;
  readonly idempotent: Idempotency;
  readonly key?: string;
  readonly deadlineMs?: number;
  readonly idleMs?: number;
  /** What goes before the items of an upload or duplex; told like `in`. */
  readonly head?: JsonSchema;
  /**
   * JSON Schema (draft 2020-12) of what travels. Where the library cannot give all of it, `$comment` says what is
   * missing; `contentMediaType: "application/octet-stream"` at the top: the payload is bytes, not JSON.
   */
  readonly in?: JsonSchema;
  readonly out?: JsonSchema;
  /** By code; `null`: the error has no data. */
  readonly errors?: Readonly<Record<string, JsonSchema | null>>;
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
  const { kind, description, idempotent, key, deadlineMs, idleMs } = operation;
  const codes = Object.entries(operation.errors);
  const errors = codes.map(([code, schema]) => [code, describeSchema(schema) ?? null]);
  const told = {
    kind,
    description,
    idempotent,
    key,
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
