/** A key that is among the most frequent. */
export interface FrequentKey {
  readonly key: string;
  /** How often it came, at most. */
  readonly count: number;
  /** By how much that may be too high; 0: it is exact. */
  readonly error: number;
}

interface Counter {
  count: number;
  error: number;
}

/**
 * The most frequent keys of a stream, in bounded memory: Space-Saving (Metwally, Agrawal and El Abbadi, 2005). Whatever comes more
 * often than one time in `capacity` is in it for certain, and no count is too low. A key that is not known takes the place, and the
 * count, of the rarest one. Constant time for each.
 */
export class SpaceSaving {
  readonly #capacity: number;
  readonly #counters = new Map<string, Counter>();
  /** Keys by their count, those that came first first. */
  readonly #byCount = new Map<number, Set<string>>();
  #least = 0;
  #total = 0;

  /** `capacity`: keys that are known at a time. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many came. */
  get total(): number {
    return this.#total;
  }

  /** Keys that are known now. */
  get size(): number {
    return this.#counters.size;
  }

  add(key: string): void {
    this.#total++;
    const known = this.#counters.get(key);
    if (known !== undefined) return this.#count(key, known, known.count);
    let taken = 0;
    if (this.#counters.size >= this.#capacity) {
      const [rarest] = this.#byCount.get(this.#least)!;
      taken = this.#least;
      this.#leave(rarest!, taken);
      this.#counters.delete(rarest!);
    }
    const counter = { count: taken, error: taken };
    this.#counters.set(key, counter);
    this.#count(key, counter, undefined);
  }

  /** The share of a key among all, at least: 0 to 1. */
  shareOf(key: string): number {
    const counter = this.#counters.get(key);
    return counter === undefined ? 0 : (counter.count - counter.error) / this.#total;
  }

  /** The most frequent ones, most frequent first. */
  top(limit: number): FrequentKey[] {
    return [...this.#counters]
      .map(([key, { count, error }]) => ({ key, count, error }))
      .toSorted((a, b) => b.count - a.count)
      .slice(0, limit);
  }

  /** Lets the past count half, so that what was hot an hour ago does not stay so. */
  halve(): void {
    this.#byCount.clear();
    let total = 0;
    this.#least = Infinity;
    for (const [key, counter] of this.#counters) {
      counter.count = Math.ceil(counter.count / 2);
      counter.error = Math.floor(counter.error / 2);
      total += counter.count - counter.error;
      this.#enter(key, counter.count);
    }
    this.#total = Math.max(total, Math.ceil(this.#total / 2));
  }

  #count(key: string, counter: Counter, before: number | undefined): void {
    counter.count++;
    this.#enter(key, counter.count);
    if (before !== undefined) this.#leave(key, before);
  }

  #enter(key: string, count: number): void {
    const keys = this.#byCount.get(count);
    if (keys === undefined) this.#byCount.set(count, new Set([key]));
    else keys.add(key);
    if (this.#counters.size === 1 || count < this.#least) this.#least = count;
  }

  #leave(key: string, count: number): void {
    const keys = this.#byCount.get(count)!;
    keys.delete(key);
    if (keys.size > 0) return;
    this.#byCount.delete(count);
    // Whoever leaves goes one higher, or makes room for one that does: so the next least is no further away.
    if (count === this.#least) this.#least = count + 1;
  }
}
