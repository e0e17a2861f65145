import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { TrunklineError } from "../../base/error.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { fullJitter } from "../../resilience/full-jitter.ts";
import type { InboxKey, Processed } from "../../store/inbox-rows.ts";
import type { Store } from "../../store/store.ts";
import type { Within } from "../../store/within.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Outcome, Received } from "../work.ts";
import type { Succession } from "./succession.ts";
import { isAway, isConflict, isTrouble, outcomeOfTrouble, troubleOf } from "./trouble.ts";

/** What an inbox is made of. */
export interface InboxParts {
  readonly store: Store;
  /** What handlers publish by. */
  readonly outbox: Outbox;
  /** Who consumes, at most 200 characters: the same for all processes that do, and in all versions of their code. */
  readonly consumer: string;
  /** By what a message is known to it. */
  readonly keyOf: (envelope: Envelope) => string;
  /** Tells gaps and reorderings. Undefined: nobody looks. */
  readonly succession?: Succession | undefined;
  readonly env: Env;
}

/** What came of a message: it was processed now, or before. */
export type Processing<T> =
  | { readonly known: Processed; readonly value?: undefined }
  | { readonly known?: undefined; readonly value: T };

/** How often work is run again that conflicts with other transactions, or whose commit nobody has confirmed. */
const againMax = 5;
/** The longest pauses before that. */
const againPauses = { baseMs: 10, capMs: 200 };

/**
 * Which messages one consumer has processed (idempotent consumer): each is marked in the transaction in which it is handled, so that
 * both are there or neither is.
 */
export class Inbox {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly consumer: string;
  readonly #parts: InboxParts;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    this.store = parts.store;
    this.outbox = parts.outbox;
    this.consumer = parts.consumer;
  }

  keyOf(envelope: Envelope): InboxKey {
    return { consumer: this.consumer, message: this.#parts.keyOf(envelope) };
  }

  /** Handles a message in a transaction that is committed when it is done, and rolled back after any other outcome. Rejects as `handle` does. */
  async outcome(message: Received, handle: (within: Within) => Promise<Outcome>): Promise<Outcome> {
    try {
      const { known, value } = await this.process(message, async (within) => {
        const outcome = await handle(within);
        if (outcome.kind !== "done") throw new RolledBack(outcome);
        return outcome;
      });
      return known === undefined ? value : { kind: "done", duplicate: true };
    } catch (error) {
      if (error instanceof RolledBack) return error.outcome;
      if (isTrouble(error)) return outcomeOfTrouble(error as TrunklineError, this.#parts.env);
      throw error;
    }
  }

  /**
   * Runs `handle` in a transaction whose first statement marks the message (IN-1), unless it is marked: then that is what is known.
   * Runs it again, with nothing of the first run left, where transactions conflict; and where nobody knows whether it was committed:
   * the mark tells. Rejects with what `handle` rejects with, or with trouble of the store.
   */
  async process<T>(
    message: Received,
    handle: (within: Within) => Promise<T>,
  ): Promise<Processing<T>> {
    const { store, env, succession } = this.#parts;
    const key = this.keyOf(message.envelope);
    let begun = false;
    for (let tries = 1; ; tries++) {
      let thrown: { readonly error: unknown } | undefined;
      try {
        return await store.transaction(async (transaction): Promise<Processing<T>> => {
          const known = await store.inbox.mark(transaction, key);
          if (known !== undefined) return { known };
          await succession?.note(transaction, this.consumer, message);
          begun = true;
          try {
            return { value: await handle({ store, transaction }) };
          } catch (error) {
            thrown = { error };
            throw error;
          }
        });
      } catch (error) {
        if (thrown !== undefined && thrown.error === error) throw error;
        const again = isAway(error) && (isConflict(error) || error.executed === "maybe");
        if (!again || tries > againMax || message.signal.aborted) throw troubleOf(error, begun);
      }
      await sleep(
        env,
        fullJitter(tries - 1, againPauses, () => env.random()),
      );
    }
  }
}

/** Takes back what the handler has written; its outcome stands. */
class RolledBack extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super("the handler said so");
    this.outcome = outcome;
  }
}
