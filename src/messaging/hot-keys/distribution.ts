import { SpaceSaving } from "./space-saving.ts";

/** How evenly the messages of a channel are spread, as one consumer sees it. */
export interface DistributionStats {
  readonly messages: number;
  /** Share of each shard that messages came from, 0 to 1, largest first. */
  readonly shards: readonly { readonly shard: string; readonly share: number }[];
  /** The largest share over the mean one: 1 is even. 0 when nothing came. */
  readonly maxOverMean: number;
  /** Keys that have more than a hundredth of the messages, with their least share, largest first; 20 at most. */
  readonly hotKeys: readonly { readonly key: string; readonly share: number }[];
  /** The part of the time in which nothing was to do, 0 to 1. */
  readonly idle: number;
}

/** Whatever has more than a thousandth of the messages is among them for certain. */
const keysKnownMax = 1_000;
/** After so many messages the past counts half. */
const halvedAfter = 100_000;
const hotShare = 0.01;
const hotKeysMax = 20;
/** A channel has no more shards; were there more, the rest would be counted as one. */
const shardsMax = 1_024;
const otherShards = "other";

/** Measures the share of each shard, hot keys, and the time without work. Times are milliseconds of one clock. */
export class Distribution {
  readonly #keys = new SpaceSaving(keysKnownMax);
  readonly #shards = new Map<string, number>();
  readonly #sinceMs: number;
  #messages = 0;
  #running = 0;
  #busyMs = 0;
  #busySince = 0;

  constructor(now: number) {
    this.#sinceMs = now;
  }

  arrived(shard: string, key: string | undefined): void {
    this.#messages++;
    const name = this.#shards.has(shard) || this.#shards.size < shardsMax ? shard : otherShards;
    this.#shards.set(name, (this.#shards.get(name) ?? 0) + 1);
    if (key === undefined) return;
    this.#keys.add(key);
    if (this.#keys.total >= 2 * halvedAfter) this.#keys.halve();
  }

  begins(now: number): void {
    if (this.#running++ === 0) this.#busySince = now;
  }

  ends(now: number): void {
    if (--this.#running === 0) this.#busyMs += now - this.#busySince;
  }

  stats(now: number): DistributionStats {
    const busyMs = this.#busyMs + (this.#running > 0 ? now - this.#busySince : 0);
    const spentMs = now - this.#sinceMs;
    const shards = [...this.#shards]
      .map(([shard, count]) => ({ shard, share: count / this.#messages }))
      .toSorted((a, b) => b.share - a.share);
    return {
      messages: this.#messages,
      shards,
      maxOverMean: shards.length === 0 ? 0 : shards[0]!.share * shards.length,
      hotKeys: this.#keys
        .top(hotKeysMax)
        .map(({ key }) => ({ key, share: this.#keys.shareOf(key) }))
        .filter(({ share }) => share > hotShare),
      idle: spentMs > 0 ? 1 - busyMs / spentMs : 0,
    };
  }
}
