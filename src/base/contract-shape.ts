import type { Guarantee } from "./guarantee.ts";
import type { Kind } from "./handler.ts";

/** JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A contract as plain data: what codecs, protocols and documents are made from. */
export interface ContractShape {
  readonly name: string;
  readonly version: string;
  readonly operations: Readonly<Record<string, OperationShape>>;
}

/** What is absent was not declared. */
export interface OperationShape {
  readonly kind: Kind;
  readonly description?: string;
  readonly idempotent: boolean | "by-key";
  readonly key?: string;
  /** Of kinds that travel as messages. */
  readonly delivery?: Guarantee;
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
}

/** It travels as a message, by way of a channel; only such an operation says how often it takes effect. */
export function isMessageShape({ delivery }: OperationShape): boolean {
  return delivery !== undefined;
}

/** A payload that is bytes and not a value: no format changes it. */
export function isBytes(schema: JsonSchema | undefined): boolean {
  return (
    schema?.["contentMediaType"] === "application/octet-stream" && schema["type"] === undefined
  );
}
