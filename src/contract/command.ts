import type { Duration } from "../base/duration.ts";
import type { Guarantee } from "../base/guarantee.ts";
import type { Key } from "./key.ts";
import {
  operation,
  type ErrorSchemas,
  type Idempotency,
  type NoErrors,
  type Terms,
} from "./operation.ts";
import type { StandardSchema } from "./schema.ts";

/** Something is to be done by the one who owns the contract; the reply comes when it is done, however long that takes. */
export interface CommandOperation<In, Out, Errors> extends Terms {
  readonly kind: "command";
  readonly in: In;
  readonly out: Out;
  readonly errors: Errors;
}

export interface CommandTerms<In, Out, Errors, Path extends string> {
  /** Schema of the input. Default: the command takes nothing. */
  readonly in?: In;
  /** Schema of the reply. Default: it says only that it is done. */
  readonly out?: Out;
  /** Declared errors: code in UPPER_SNAKE → schema of its data, or `undefined` for none. Default: none. */
  readonly errors?: Errors;
  /** Whether it may be done again when it perhaps was done. Default `false`: it is recognised by its id, as far as its consumer remembers. */
  readonly idempotent?: Idempotency;
  /** Dotted path to the field of the input by which commands keep their order. Default: no order between them. */
  readonly key?: Key<In, Path>;
  /** How often it takes effect. Default `at-least-once`. */
  readonly delivery?: Guarantee;
  /** After this long nobody wants it done any more. Default: it waits for as long as the channel keeps it. */
  readonly deadline?: Duration;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/** Declares an asynchronous request with a reply: `command({ in: ShipOrder, out: Shipment, key: "orderId" })`. */
export function command<
  In extends StandardSchema | undefined = undefined,
  Out extends StandardSchema | undefined = undefined,
  Errors extends ErrorSchemas<Errors> = NoErrors,
  const Path extends string = never,
>(terms: CommandTerms<In, Out, Errors, Path> = {}): CommandOperation<In, Out, Errors> {
  const { delivery = "at-least-once", ...given } = terms;
  return operation("command", { ...given, delivery }) as unknown as CommandOperation<
    In,
    Out,
    Errors
  >;
}
