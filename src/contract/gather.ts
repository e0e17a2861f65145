import type { Duration } from "../base/duration.ts";
import { operation, type ErrorSchemas, type NoErrors, type Terms } from "./operation.ts";
import type { StandardSchema } from "./schema.ts";

/** A question to everybody who can answer it: the answers that come until a deadline, and who they are of. */
export interface GatherOperation<In, Out, Errors> extends Terms {
  readonly kind: "gather";
  readonly in: In;
  readonly out: Out;
  readonly errors: Errors;
}

export interface GatherTerms<In, Out, Errors> {
  /** Schema of the question. Default: it says nothing but that it is asked. */
  readonly in?: In;
  /** Schema of one answer. */
  readonly out?: Out;
  /** Declared errors: code in UPPER_SNAKE → schema of its data, or `undefined` for none. Default: none. */
  readonly errors?: Errors;
  /** How long answers are waited for when the asker says nothing else. Default: the client's, 10 s. */
  readonly deadline?: Duration;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/**
 * Declares a question that is published, and answered by each group that consumes it: `gather({ in: Parcel, out: Quote })`. It is
 * asked `at-most-once`: after its deadline nobody wants the answer.
 */
export function gather<
  In extends StandardSchema | undefined = undefined,
  Out extends StandardSchema | undefined = undefined,
  Errors extends ErrorSchemas<Errors> = NoErrors,
>(terms: GatherTerms<In, Out, Errors> = {}): GatherOperation<In, Out, Errors> {
  const delivery = "at-most-once";
  return operation("gather", { ...terms, delivery }) as unknown as GatherOperation<In, Out, Errors>;
}
