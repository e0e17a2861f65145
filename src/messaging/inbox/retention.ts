import { milliseconds, type Duration } from "../../base/duration.ts";
import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Store } from "../../store/store.ts";
import type { ConsumerTerms } from "../consumer-terms.ts";
import { noteOf } from "../failure-note.ts";

/** How long processes remember what they have processed. */
export interface InboxOptions {
  /**
   * How long marks of processed messages are kept: for so long a message that comes again does nothing. At least as long as a channel may
   * deliver again, which is checked at the start; the shortest of all processes with the store holds. 1 min to 10 years. Default 7 days.
   */
  readonly retention?: Duration;
}

const retentionMs = { least: 60_000, most: 10 * 365 * 86_400_000 };

/** In milliseconds. @throws TrunklineError INVALID_ARGUMENT for what cannot be meant. */
export function retentionOf({ retention = "168h" }: InboxOptions): number {
  const ms = milliseconds(retention);
  if (ms >= retentionMs.least && ms <= retentionMs.most) return ms;
  throw systemError("INVALID_ARGUMENT", `inbox.retention is 1 min to 10 years, not ${ms} ms`, {
    executed: "no",
  });
}

/**
 * For how long after its first delivery a message may come again, as far as that is said: what its channel keeps, the time between its
 * attempts, and what its dead letters wait (IN-4). In milliseconds.
 */
export function horizonOf(
  { retentionMs: keptMs = 0 }: Pick<Channel, "retentionMs">,
  { retry, letters }: Pick<ConsumerTerms, "retry" | "letters">,
): number {
  return keptMs + retry.maxAgeMs + (letters.expiresMs ?? 0);
}

/** Between looks for marks that are old, in milliseconds; the first comes some time within that. */
const everyMs = 60_000;
/** Rows that are taken out at once, so that nobody waits for them. */
const batchRows = 1_000;
/** Batches of one look: more are left to the next. */
const batchesMax = 100;

/** Takes old marks out of the inbox of a store. Each process with the store does: they do not get in each other's way. */
export class Purge extends Alarm {
  readonly #store: Store;
  readonly #olderThanMs: number;
  readonly #env: Env;
  #stopped = false;
  /** It was told that it could not. */
  #told = false;

  constructor(store: Store, olderThanMs: number, env: Env) {
    super();
    this.#store = store;
    this.#olderThanMs = olderThanMs;
    this.#env = env;
  }

  start(): void {
    this.#env.set(this, this.#env.now() + this.#env.random() * everyMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#env.clear(this);
  }

  ring(): void {
    void this.#purge().then(() => {
      if (!this.#stopped) this.#env.set(this, this.#env.now() + everyMs);
    });
  }

  async #purge(): Promise<void> {
    try {
      for (let batches = 0; batches < batchesMax && !this.#stopped; batches++) {
        const rows = await this.#store.inbox.purge(this.#olderThanMs, batchRows);
        this.#told = false;
        if (rows < batchRows) return;
      }
    } catch (error) {
      if (this.#told || !channels.inbox.hasSubscribers) return;
      this.#told = true;
      const { reason } = noteOf(error);
      channels.inbox.publish({ store: this.#store.address, what: "unpurged", reason });
    }
  }
}
