import type { Delivery, Outgoing } from "../broker/broker.ts";
import type { Envelope } from "../broker/envelope.ts";

/** A message in the hands of a consumer. */
export interface Received {
  readonly envelope: Envelope;
  readonly delivery: Delivery;
  /** The group that consumes it; the name of its channel where there are no groups. */
  readonly group: string;
  /** Which attempt at handling it this is, those of consumers that have died included; 1 is the first. */
  readonly attempt: number;
  /** Aborts when its time is over, its shard was lost, or the consumer is forced to stop. */
  readonly signal: AbortSignal;
  /** It is still being worked on: its time begins anew. */
  heartbeat(): void;
}

/** What came of handling a message once. */
export type Outcome =
  | {
      readonly kind: "done";
      readonly outputs?: readonly Outgoing[];
      /** It was done before. */
      readonly duplicate?: boolean;
    }
  | {
      readonly kind: "retry";
      /** Not as the back-off says, but after so many milliseconds, and however often it was tried. */
      readonly afterMs?: number | undefined;
      /** The failure is none of the message or its handler: it does not count among the attempts. */
      readonly blameless?: boolean;
      readonly failure: FailureNote;
    }
  | { readonly kind: "dead"; readonly failure: FailureNote };

/** Why a message was not handled, as it is kept with a dead letter. Text of a bounded length, no secrets. */
export interface FailureNote {
  /**
   * `failed`: attempts ran out, or the failure is permanent; `invalid`: it does not match the contract; `malformed`: it cannot be
   * read; `rejected`, `parked`: the handler said so; `step`: a step of the channel failed; `crashed`: it ends its consumers; `blocked`: an earlier one of its key is dead.
   */
  readonly why:
    | "failed"
    | "invalid"
    | "malformed"
    | "rejected"
    | "parked"
    | "step"
    | "crashed"
    | "blocked";
  /** The code of the error, or its class. */
  readonly code: string;
  readonly reason: string;
  /** Of the stack: the same for the same failure. Undefined where there is none. */
  readonly stackHash?: string | undefined;
}

/** Does what a message asks for, once. Order, retries, dead letters and the receipt for the broker are the consumer's. Never rejects. */
export type Work = (message: Received) => Promise<Outcome>;

/** How it ended for good. */
export type Ending = "handled" | "rejected" | "parked";

/** Hears of the end of each message, before it is settled: replies and receipts for who asked go out here. Never rejects. */
export type Ended = (message: Received, ending: Ending) => Promise<void>;
