import type { Duration } from "../base/duration.ts";
import type { Key } from "./key.ts";
import { operation, type ErrorSchemas, type NoErrors, type Terms } from "./operation.ts";
import type { StandardSchema } from "./schema.ts";

/** One request, any number of answers, as fast as the caller takes them. */
export interface StreamOperation<In, Out, Errors> extends Terms {
  readonly kind: "stream";
  readonly in: In;
  readonly out: Out;
  readonly errors: Errors;
}

export interface StreamTerms<In, Out, Errors, Path extends string> {
  /** Schema of the input. Default: the stream takes nothing. */
  readonly in?: In;
  /** Schema of one item. */
  readonly out?: Out;
  /** Declared errors: code in UPPER_SNAKE → schema of its data, or `undefined` for none. Default: none. */
  readonly errors?: Errors;
  /** Whether it may be begun anew before its first item has come. Default `false`. */
  readonly idempotent?: boolean;
  /** Dotted path to the field of the input by which streams begin in order. Default: no order between streams. */
  readonly key?: Key<In, Path>;
  /** How long a caller waits for the first item when it says nothing else. Default: the client's, 10 s. */
  readonly deadline?: Duration;
  /** The longest pause between two items. Default: none, because keep-alive notices a dead peer and a quiet stream is no fault. */
  readonly idle?: Duration;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/** Declares an operation that answers with items: `stream({ in: OrderId, out: OrderState })`. */
export function stream<
  In extends StandardSchema | undefined = undefined,
  Out extends StandardSchema | undefined = undefined,
  Errors extends ErrorSchemas<Errors> = NoErrors,
  const Path extends string = never,
>(terms: StreamTerms<In, Out, Errors, Path> = {}): StreamOperation<In, Out, Errors> {
  return operation("stream", terms) as unknown as StreamOperation<In, Out, Errors>;
}
