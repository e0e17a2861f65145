import type { ToldFailure } from "../wire/failure.ts";

import type { OutgoingHttpHeaders } from "node:http";

/**
 * How one request is answered, in the form that its caller speaks. After `answer`, `complete` or `fail` nothing more is
 * said. What is said to a caller that has gone is dropped.
 */
export interface Reply {
  /** Headers that go with it beside its own; before anything else is said. */
  tell(headers: OutgoingHttpHeaders): void;
  /** No more than the bounds allow is waiting to be sent. */
  readonly writable: boolean;
  /** Calls `listener` when it may have become writable. */
  whenDrained(listener: () => void): void;
  /** Says that the request was accepted, where that is not said by what follows. */
  accept(): void;
  /** One message of many. */
  item(payload: string | Uint8Array): void;
  /** The one message there is, and the end. */
  answer(payload: string | Uint8Array): void;
  /** The end of many messages. */
  complete(): void;
  fail(failure: ToldFailure): void;
}
