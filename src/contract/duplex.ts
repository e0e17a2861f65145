import type { Duration } from "../base/duration.ts";
import type { Key } from "./key.ts";
import { operation, type ErrorSchemas, type NoErrors, type Terms } from "./operation.ts";
import type { StandardSchema } from "./schema.ts";

/** Items both ways at once, each way as fast as the other side takes them. */
export interface DuplexOperation<Head, In, Out, Errors> extends Terms {
  readonly kind: "duplex";
  readonly head: Head;
  readonly in: In;
  readonly out: Out;
  readonly errors: Errors;
}

/** Without `idempotent`: what was said in a conversation depends on what was answered, so nobody can repeat it. */
export interface DuplexTerms<Head, In, Out, Errors, Path extends string> {
  /** Schema of what goes before the items and is checked before the handler begins. Default: nothing does. */
  readonly head?: Head;
  /** Schema of one item of the caller. */
  readonly in?: In;
  /** Schema of one item of the answer. */
  readonly out?: Out;
  /** Declared errors: code in UPPER_SNAKE → schema of its data, or `undefined` for none. Default: none. */
  readonly errors?: Errors;
  /** Dotted path to the field of the head by which duplexes keep their order. Default: no order between duplexes. */
  readonly key?: Key<Head, Path>;
  /** How long a caller waits to be accepted when it says nothing else. Default: the client's, 10 s. */
  readonly deadline?: Duration;
  /** The longest wait for an item of the server. Default: no bound, because keep-alive notices a dead peer. */
  readonly idle?: Duration;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/** Declares an operation with items both ways: `duplex({ head: Room, in: Line, out: Line })`. */
export function duplex<
  Head extends StandardSchema | undefined = undefined,
  In extends StandardSchema | undefined = undefined,
  Out extends StandardSchema | undefined = undefined,
  Errors extends ErrorSchemas<Errors> = NoErrors,
  const Path extends string = never,
>(terms: DuplexTerms<Head, In, Out, Errors, Path> = {}): DuplexOperation<Head, In, Out, Errors> {
  return operation("duplex", terms) as unknown as DuplexOperation<Head, In, Out, Errors>;
}
