/** Ids of what was handled lately, so that a second delivery of it is recognised: never more than `capacity`, the oldest go first. */
export class RecentIds {
  readonly #capacity: number;
  readonly #ids = new Set<string>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    if (this.#capacity === 0) return;
    this.#ids.add(id);
    if (this.#ids.size <= this.#capacity) return;
    const [oldest] = this.#ids;
    this.#ids.delete(oldest!);
  }

  /** It may be handled again, although it was handled: somebody has redriven it on purpose. */
  forget(id: string): void {
    this.#ids.delete(id);
  }
}
