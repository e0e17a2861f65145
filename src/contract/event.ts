import type { Guarantee } from "../base/guarantee.ts";
import type { Key } from "./key.ts";
import { operation, type NoErrors, type Terms } from "./operation.ts";
import type { StandardSchema } from "./schema.ts";

/** Something happened: whoever wants to know is told. It has no owner, and nobody need be there. */
export interface EventOperation<Data> extends Terms {
  readonly kind: "event";
  readonly in: Data;
  readonly out: undefined;
  readonly errors: NoErrors;
}

export interface EventTerms<Data, Path extends string> {
  /** Schema of what is told. Default: only that it happened. */
  readonly data?: Data;
  /** Dotted path to the field by which events keep their order. Default: no order between them. */
  readonly key?: Key<Data, Path>;
  /** How often it takes effect at each group of consumers. Default `at-least-once`. */
  readonly delivery?: Guarantee;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/** Declares what can happen: `event({ data: OrderPlaced, key: "order.id" })`. Each group of consumers gets each event. */
export function event<
  Data extends StandardSchema | undefined = undefined,
  const Path extends string = never,
>(terms: EventTerms<Data, Path> = {}): EventOperation<Data> {
  const { data, delivery = "at-least-once", ...given } = terms;
  return operation("event", { ...given, in: data, delivery }) as unknown as EventOperation<Data>;
}
