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

/** One request, one answer. */
export interface CallOperation<
  In,
  Out,
  Errors,
  Again extends Idempotency = Idempotency,
> extends Terms {
  readonly kind: "call";
  readonly idempotent: Again;
  readonly in: In;
  readonly out: Out;
  readonly errors: Errors;
}

export interface CallTerms<
  In,
  Out,
  Errors,
  Path extends string,
  Again extends Idempotency = Idempotency,
> {
  /** Schema of the input. Default: the call takes nothing. */
  readonly in?: In;
  /** Schema of the answer. Default: it answers nothing. */
  readonly out?: Out;
  /** Declared errors: code in UPPER_SNAKE → schema of its data, or `undefined` for none. Default: none. */
  readonly errors?: Errors;
  /** Whether it may be repeated when it perhaps ran. Default `false`. */
  readonly idempotent?: Again;
  /** Dotted path to the field of the input by which calls keep their order. Default: no order between calls. */
  readonly key?: Key<In, Path>;
  /** How long a caller waits when it says nothing else. Default: the client's, 10 s. */
  readonly deadline?: Duration;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/** Declares an operation that answers once: `call({ in: OrderId, out: Order, errors: { NOT_FOUND: OrderId } })`. */
export function call<
  In extends StandardSchema | undefined = undefined,
  Out extends StandardSchema | undefined = undefined,
  Errors extends ErrorSchemas<Errors> = NoErrors,
  const Path extends string = never,
  const Again extends Idempotency = false,
>(terms: CallTerms<In, Out, Errors, Path, Again> = {}): CallOperation<In, Out, Errors, Again> {
  return operation("call", terms) as unknown as CallOperation<In, Out, Errors, Again>;
}
