/** How much each key may ask. */
export interface LimitTerms {
  /** Requests of one key in each second, in the long run. Above 0. */
  readonly perSecond: number;
  /** Requests of one key at once, after a pause. At least 1. */
  readonly burst: number;
  /** Keys that are remembered at a time. */
  readonly keysMax: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * A token bucket for each key, in bounded memory. When there is no room the key that was quiet the longest is forgotten, and the new
 * one goes on with what that one had left: who changes its key with each request gains nothing by it.
 */
export class KeyedLimit {
  readonly #terms: LimitTerms;
  /** In the order of last use: the first was quiet the longest. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(terms: LimitTerms) {
    this.#terms = terms;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** 0: it may. Else after how many milliseconds it may. */
  take(key: string, now: number): number {
    const { perSecond } = this.#terms;
    const bucket = this.#bucketOf(key, now);
    this.#fill(bucket, now);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000);
  }

  #fill(bucket: Bucket, now: number): void {
    const { perSecond, burst } = this.#terms;
    const elapsedMs = Math.max(0, now - bucket.at);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs * perSecond) / 1_000);
    bucket.at = now;
  }

  #bucketOf(key: string, now: number): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket !== undefined) this.#buckets.delete(key);
    else if (this.#buckets.size < this.#terms.keysMax)
      bucket = { tokens: this.#terms.burst, at: now };
    else {
      const [oldest, left] = this.#buckets.entries().next().value!;
      this.#buckets.delete(oldest);
      bucket = left;
    }
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
