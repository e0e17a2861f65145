import type { Duration } from "../base/duration.ts";
import type { Key } from "./key.ts";
import { operation, type NoErrors, type Terms } from "./operation.ts";
import type { StandardSchema } from "./schema.ts";

/** One request, no answer: the caller learns that it left, not that it ran. */
export interface NotificationOperation<In> extends Terms {
  readonly kind: "notification";
  readonly in: In;
  readonly out: undefined;
  readonly errors: NoErrors;
}

export interface NotificationTerms<In, Path extends string> {
  /** Schema of the input. Default: the notification carries nothing. */
  readonly in?: In;
  /** Dotted path to the field of the input by which notifications keep their order. Default: no order between them. */
  readonly key?: Key<In, Path>;
  /** How long it may wait to be sent when the caller says nothing else. Default: the client's, 10 s. */
  readonly deadline?: Duration;
  /** One sentence for people; changes no digest. */
  readonly description?: string;
}

/** Declares an operation without an answer: `notification({ in: Position, key: "flight.id" })`. */
export function notification<
  In extends StandardSchema | undefined = undefined,
  const Path extends string = never,
>(terms: NotificationTerms<In, Path> = {}): NotificationOperation<In> {
  return operation("notification", terms) as unknown as NotificationOperation<In>;
}
