/**
 * A list that only grows, and that any number of readers follow, each at its own pace: nothing is queued for the slow
 * ones, they are just further behind.
 */
export class Log<Item> {
  readonly #items: Item[] = [];
  #grown = Promise.withResolvers<void>();
  #ended = false;

  get size(): number {
    return this.#items.length;
  }

  append(item: Item): void {
    this.#items.push(item);
    this.#wake();
  }

  /** Nothing comes after this: the readers end when they have read all. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The items from `index` on, those to come among them, until the end or until `signal` aborts. */
  async *from(index: number, signal: AbortSignal): AsyncGenerator<Item, void> {
    // A generator that waits cannot be told to return: it has to wake up to hear of it.
    const wake = (): void => this.#wake();
    signal.addEventListener("abort", wake);
    try {
      for (let next = Math.max(0, index); !signal.aborted;) {
        if (next < this.#items.length) yield this.#items[next++]!;
        else if (this.#ended) return;
        else await this.#grown.promise;
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  #wake(): void {
    this.#grown.resolve();
    this.#grown = Promise.withResolvers();
  }
}
