import { milliseconds, type Duration } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";

/** When a batch is complete: whichever comes first. */
export interface BatchTerms {
  /** Messages at most, 1 to 10,000. Default 100. */
  readonly count?: number;
  /** Bytes of data at most, 1 to 64 MiB; a message that is larger alone is a batch of its own. Default 1 MiB. */
  readonly bytes?: number;
  /** How long the first one waits for others. Default 0: for those of the same turn. */
  readonly within?: Duration;
}

/** The same, resolved. */
export interface BatchBounds {
  readonly count: number;
  readonly bytes: number;
  readonly lingerMs: number;
}

const countMax = 10_000;
const bytesMax = 64 * 1024 * 1024;
/** Longer than that nobody should wait for company. */
const lingerMsMax = 60_000;

/** Reads the terms. @throws TrunklineError INVALID_ARGUMENT for what cannot be meant. */
export function batchBounds(terms: BatchTerms = {}): BatchBounds {
  const { count = 100, bytes = 1024 * 1024, within = 0 } = terms;
  const lingerMs = milliseconds(within);
  for (const [name, value, least, most] of [
    ["count", count, 1, countMax],
    ["bytes", bytes, 1, bytesMax],
    ["within", lingerMs, 0, lingerMsMax],
  ] as const) {
    if (value >= least && value <= most && (name === "within" || Number.isInteger(value))) continue;
    throw systemError(
      "INVALID_ARGUMENT",
      `batch.${name} is a number from ${least} to ${most}, not ${value}`,
      { executed: "no" },
    );
  }
  return { count, bytes, lingerMs };
}

/**
 * Gathers what is added into batches, in the order of adding, and hands each on when it is complete. It keeps less than one
 * batch: whoever adds bounds how many batches are under way.
 */
export class Collector<Item> extends Alarm {
  readonly #bounds: BatchBounds;
  readonly #env: Env;
  readonly #complete: (batch: readonly Item[]) => void;
  #items: Item[] = [];
  #bytes = 0;
  /** Rises with each batch: an end of turn that was meant for an earlier one does nothing. */
  #batch = 0;

  constructor(bounds: BatchBounds, env: Env, complete: (batch: readonly Item[]) => void) {
    super();
    this.#bounds = bounds;
    this.#env = env;
    this.#complete = complete;
  }

  /** Items that wait for their batch to be complete. */
  get waiting(): number {
    return this.#items.length;
  }

  add(item: Item, bytes: number): void {
    if (this.#items.length > 0 && this.#bytes + bytes > this.#bounds.bytes) this.flush();
    this.#items.push(item);
    this.#bytes += bytes;
    if (this.#items.length >= this.#bounds.count || this.#bytes >= this.#bounds.bytes)
      return this.flush();
    if (this.#items.length === 1) this.#wait();
  }

  /** Hands on what there is. */
  flush(): void {
    const items = this.#items;
    if (items.length === 0) return;
    this.#items = [];
    this.#bytes = 0;
    this.#batch++;
    this.#env.clear(this);
    this.#complete(items);
  }

  ring(): void {
    this.flush();
  }

  #wait(): void {
    const { lingerMs } = this.#bounds;
    if (lingerMs > 0) return this.#env.set(this, this.#env.now() + lingerMs);
    const batch = this.#batch;
    this.#env.defer(() => {
      if (batch === this.#batch) this.flush();
    });
  }
}
