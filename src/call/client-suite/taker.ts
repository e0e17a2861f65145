import { isTrunklineError } from "../../base/error.ts";

/** Takes the items that a handler is given, and writes down how they ended. */
export class Taker {
  readonly taken: number[] = [];
  readonly ends: string[] = [];

  /** All of them, or the first `count`. Resolves with their sum; rejects as they do. */
  async take(items: AsyncIterable<number>, count: number = Infinity): Promise<number> {
    try {
      for await (const item of items) {
        this.taken.push(item);
        if (this.taken.length === count) {
          this.ends.push("left");
          return this.sum;
        }
      }
    } catch (error) {
      this.ends.push(isTrunklineError(error) ? error.code : String(error));
      throw error;
    }
    this.ends.push("complete");
    return this.sum;
  }

  get sum(): number {
    return this.taken.reduce((sum, item) => sum + item, 0);
  }
}
