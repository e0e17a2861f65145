/** Gives numbers from 0 on, counts them, and writes down how it ends. */
export class Supplier {
  given = 0;
  readonly ends: string[] = [];

  /** So many, or without end. `given` is how many were asked for. */
  async *items(count: number = Infinity): AsyncGenerator<number, void> {
    try {
      while (this.given < count) yield this.given++;
      this.ends.push("complete");
    } finally {
      this.ends.push("ended");
    }
  }

  /** The same, not as a generator, so that it is seen what it is told after its end. */
  counting(count: number): AsyncIterable<number> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (this.given < count) return { done: false, value: this.given++ };
          this.ends.push("complete");
          return { done: true, value: undefined };
        },
        return: async () => {
          this.ends.push("returned");
          return { done: true, value: undefined };
        },
      }),
    };
  }

  /** The same: asked for the next one it waits for ever after `count`, and counts what it is told. */
  waiting(count: number): AsyncIterable<number> {
    return {
      [Symbol.asyncIterator]: () => {
        this.ends.push("opened");
        return {
          next: () =>
            this.given < count
              ? Promise.resolve({ done: false, value: this.given++ })
              : new Promise<never>(() => {}),
          return: async () => {
            this.ends.push("returned");
            return { done: true, value: undefined };
          },
        };
      },
    };
  }
}
