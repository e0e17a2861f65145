import { sleep } from "../base/alarm.ts";
import { backoff } from "../base/backoff.ts";
import type { Env } from "../base/env.ts";
import type { Delivery } from "../broker/broker.ts";

/** Between tries of reading which keys are blocked, in milliseconds. */
const again = { baseMs: 100, capMs: 5_000 };

export interface ShardsTerms {
  /** Finds out which keys of a shard are blocked; rejects while that cannot be said. */
  readonly prepare: (shard: string) => Promise<void>;
  /** Takes what may be begun. */
  readonly accept: (delivery: Delivery) => void;
  readonly env: Env;
}

/**
 * The shards that a consumer has. What comes of one waits until it is known which of its keys are blocked; what comes of one that is given to
 * somebody else is not taken.
 */
export class Shards {
  readonly #terms: ShardsTerms;
  /** What came of a shard before it was known which of its keys are blocked; as much as the consumer fetches. */
  readonly #early = new Map<string, Delivery[]>();
  readonly #prepared = new Set<string>();
  /** Those that are being given to others, or were: what still arrives of them is theirs. */
  readonly #given = new Set<string>();
  #ended = false;

  constructor(terms: ShardsTerms) {
    this.#terms = terms;
  }

  arrived(delivery: Delivery): void {
    const { shard } = delivery;
    // What was on its way when its shard was given up comes to whoever has that next, behind what was forgotten here.
    if (this.#ended || this.#given.has(shard)) return;
    if (this.#prepared.has(shard)) return this.#terms.accept(delivery);
    this.assigned(shard);
    this.#early.get(shard)?.push(delivery);
  }

  assigned(shard: string): void {
    this.#given.delete(shard);
    if (this.#prepared.has(shard) || this.#early.has(shard)) return;
    const early: Delivery[] = [];
    this.#early.set(shard, early);
    void this.#prepare(shard, early);
  }

  /** It is about to be given to somebody else: until it comes again nothing of it is taken. */
  given(shard: string): void {
    this.lost(shard);
    this.#given.add(shard);
  }

  /** It belongs to somebody else; what still comes of it shows that it has come again. */
  lost(shard: string): void {
    this.#given.delete(shard);
    this.#prepared.delete(shard);
    this.#early.delete(shard);
  }

  /** Nothing more is taken. */
  end(): void {
    this.#ended = true;
  }

  /** Until it is known what is blocked nothing begins: that is tried until it is, or the shard is gone. */
  async #prepare(shard: string, early: readonly Delivery[]): Promise<void> {
    const { prepare, accept, env } = this.#terms;
    const wanted = (): boolean => !this.#ended && this.#early.get(shard) === early;
    for (let failures = 0; wanted(); failures++) {
      try {
        await prepare(shard);
        break;
      } catch {
        await sleep(
          env,
          backoff(failures, again, () => env.random()),
        );
      }
    }
    if (!wanted()) return;
    this.#early.delete(shard);
    this.#prepared.add(shard);
    for (const delivery of early) accept(delivery);
  }
}
