import type { Guarantee } from "../base/guarantee.ts";
import type { Key } from "./key.ts";
import { operation, type NoErrors, type Terms } from "./operation.ts";
import type { StandardSchema } from "./schema.ts";

/** Data handed to one receiver, who decides what to do with it; nothing comes back. */
export interface DocumentOperation<Data> extends Terms {
  readonly kind: "document";
  readonly in: Data;
  readonly out: undefined;
  readonly errors: NoErrors;
}

export interface DocumentTerms<Data, Path extends string> {
  /** Schema of the document. */
  readonly data?: Data;
  /** Dotted path to the field by which documents keep their order. Default: no order between them. */
  readonly key?: Key<Data, Path>;
  /** How often it takes effect. Default `at-least-once`. */
  readonly delivery?: Guarantee;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/** Declares data that goes from one to one of those who consume it: `document({ data: FlightPlan, key: "flight" })`. */
export function document<
  Data extends StandardSchema | undefined = undefined,
  const Path extends string = never,
>(terms: DocumentTerms<Data, Path> = {}): DocumentOperation<Data> {
  const { data, delivery = "at-least-once", ...given } = terms;
  return operation("document", {
    ...given,
    in: data,
    delivery,
  }) as unknown as DocumentOperation<Data>;
}
