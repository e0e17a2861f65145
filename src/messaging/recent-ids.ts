/** Ids of what was handled lately, so that a second delivery of it is recognised: never more than `capacity`, the oldest go first. */
export class RecentIds {
  readonly #capacity: number;
  readonly #ids = new Set<string>();
  /** In the order of their coming: to look for the oldest in a set that has lost many is slow. */
  readonly #ring: string[] = [];
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    if (this.#capacity === 0 || this.#ids.has(id)) return;
    this.#ids.add(id);
    if (this.#ring.length < this.#capacity) {
      this.#ring.push(id);
      return;
    }
    this.#ids.delete(this.#ring[this.#oldest]!);
    this.#ring[this.#oldest] = id;
    this.#oldest = (this.#oldest + 1) % this.#capacity;
  }

  /** It may be handled again, although it was handled: nothing of that has happened after all. */
  forget(id: string): void {
    this.#ids.delete(id);
  }
}
