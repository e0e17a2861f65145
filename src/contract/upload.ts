import type { Duration } from "../base/duration.ts";
import type { Key } from "./key.ts";
import {
  operation,
  type ErrorSchemas,
  type Idempotency,
  type NoErrors,
  type Terms,
} from "./operation.ts";
import type { StandardSchema } from "./schema.ts";

/** Any number of items, as fast as the server takes them, and one answer. */
export interface UploadOperation<Head, In, Out, Errors> extends Terms {
  readonly kind: "upload";
  readonly head: Head;
  readonly in: In;
  readonly out: Out;
  readonly errors: Errors;
}

export interface UploadTerms<Head, In, Out, Errors, Path extends string> {
  /** Schema of what goes before the items and is checked before the handler begins. Default: nothing does. */
  readonly head?: Head;
  /** Schema of one item. */
  readonly in?: In;
  /** Schema of the answer. Default: it answers nothing. */
  readonly out?: Out;
  /** Declared errors: code in UPPER_SNAKE → schema of its data, or `undefined` for none. Default: none. */
  readonly errors?: Errors;
  /** Whether it may be repeated, with all its items, when it perhaps ran. Default `false`. */
  readonly idempotent?: Idempotency;
  /** Dotted path to the field of the head by which uploads keep their order. Default: no order between uploads. */
  readonly key?: Key<Head, Path>;
  /** How long a caller waits to be accepted when it says nothing else. Default: the client's, 10 s. */
  readonly deadline?: Duration;
  /** The longest wait for the server, to take an item or to answer. Default: no bound, because keep-alive notices a dead peer. */
  readonly idle?: Duration;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/** Declares an operation that takes items: `upload({ head: FileName, in: bytes(), out: Receipt })`. */
export function upload<
  Head extends StandardSchema | undefined = undefined,
  In extends StandardSchema | undefined = undefined,
  Out extends StandardSchema | undefined = undefined,
  Errors extends ErrorSchemas<Errors> = NoErrors,
  const Path extends string = never,
>(terms: UploadTerms<Head, In, Out, Errors, Path> = {}): UploadOperation<Head, In, Out, Errors> {
  return operation("upload", terms) as unknown as UploadOperation<Head, In, Out, Errors>;
}
