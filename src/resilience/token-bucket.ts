import { bounded, boundedWhole } from "./bounded.ts";

export interface TokenBucketOptions {
  /** Tokens that come back each second, above 0. */
  readonly perSec: number;
  /** Tokens that it holds when full: the burst that it lets through. Default: those of one second, at least 1. */
  readonly burst?: number;
}

/** A rate limit with room for bursts: full at first, each request takes a token, `perSec` come back each second. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(options: TokenBucketOptions, now: number) {
    const { perMs, burst } = complete(options);
    this.#perMs = perMs;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** True, and taken: so much may go through. */
  tryTake(now: number, tokens: number = 1): boolean {
    this.#fill(now);
    if (this.#tokens < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }

  /** In how many milliseconds so much can be had; 0: now. Infinity where it never holds so much. */
  retryAfterMs(now: number, tokens: number = 1): number {
    this.#fill(now);
    if (tokens > this.#burst) return Infinity;
    return Math.max(0, Math.ceil((tokens - this.#tokens) / this.#perMs));
  }

  #fill(now: number): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}

export interface KeyedBucketsOptions extends TokenBucketOptions {
  /** Keys that are remembered at once, 1 to 10,000,000. Default 10,000, about 2 MB. */
  readonly keysMax?: number;
}

interface Level {
  tokens: number;
  at: number;
}

/**
 * A token bucket for each key, in bounded memory. A key that comes when all places are taken gets the place of the one that was not seen
 * for the longest, with what was left in it: so nobody gets a fresh burst by thinking up keys, and all keys together get no more than
 * `keysMax` times the rate.
 */
export class KeyedBuckets {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #keysMax: number;
  /** The first was not seen for the longest. */
  readonly #levels = new Map<string, Level>();

  constructor(options: KeyedBucketsOptions) {
    const { perMs, burst } = complete(options);
    this.#perMs = perMs;
    this.#burst = burst;
    this.#keysMax = boundedWhole("keysMax", options.keysMax ?? 10_000, 1, 10_000_000);
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#levels.size;
  }

  /** 0, and taken: so much may go through. Else: in how many milliseconds it can be had; Infinity where it never holds so much. */
  take(key: string, now: number, tokens: number = 1): number {
    const level = this.#seen(key, now);
    level.tokens = Math.min(this.#burst, level.tokens + (now - level.at) * this.#perMs);
    level.at = now;
    if (level.tokens >= tokens) {
      level.tokens -= tokens;
      return 0;
    }
    if (tokens > this.#burst) return Infinity;
    return Math.max(1, Math.ceil((tokens - level.tokens) / this.#perMs));
  }

  #seen(key: string, now: number): Level {
    let level = this.#levels.get(key);
    if (level !== undefined) this.#levels.delete(key);
    else if (this.#levels.size < this.#keysMax) level = { tokens: this.#burst, at: now };
    else {
      const [oldest, left] = this.#levels.entries().next().value!;
      this.#levels.delete(oldest);
      level = left;
    }
    this.#levels.set(key, level);
    return level;
  }
}

function complete({ perSec, burst }: TokenBucketOptions): { perMs: number; burst: number } {
  return {
    perMs: bounded("perSec", perSec, 1e-6, 1e9) / 1_000,
    burst: bounded("burst", burst ?? Math.max(1, perSec), 1, 1e12),
  };
}
