/**
 * Runs work of one key one after the other, in the order of arrival, and work of different keys side by side.
 * Holds only keys that have work; how much may wait is bounded by the requests in flight.
 */
export class KeyOrder {
  readonly #tails = new Map<string, Promise<void>>();
  #waiting = 0;

  /** Keys that have work now. */
  get size(): number {
    return this.#tails.size;
  }

  /** Work that waits for earlier work of its key. */
  get waiting(): number {
    return this.#waiting;
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tails.set(key, promise);
    try {
      if (before !== undefined) {
        this.#waiting++;
        await before;
        this.#waiting--;
      }
      return await work();
    } finally {
      if (this.#tails.get(key) === promise) this.#tails.delete(key);
      resolve();
    }
  }
}
