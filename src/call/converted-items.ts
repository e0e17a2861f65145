import type { ItemStream } from "./client-type.ts";
import { iteratorOf, type Items } from "./items.ts";

type Result = IteratorResult<unknown, undefined>;
const ended: Result = { done: true, value: undefined };

/** The items of an older caller as the newer handler reads them: converted one by one, none before it is asked for. */
export class ConvertedItems implements ItemStream<unknown> {
  readonly #items: ItemStream<unknown>;
  readonly #up: (item: unknown, index: number) => Promise<unknown>;
  #read = 0;
  /** One after the other, so that none overtakes another whose conversion takes longer. */
  #last: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(items: ItemStream<unknown>, up: (item: unknown, index: number) => Promise<unknown>) {
    this.#items = items;
    this.#up = up;
  }

  next(): Promise<Result> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => {});
    return next;
  }

  return(): Promise<Result> {
    this.#over = true;
    return this.#items.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #next(): Promise<Result> {
    if (this.#over) return ended;
    const result = await this.#items.next();
    if (result.done === true) return ended;
    try {
      return { done: false, value: await this.#up(result.value, this.#read++) };
    } catch (failure) {
      // As with an item that the older schema refuses, no further one comes.
      await this.return();
      throw failure;
    }
  }
}

/**
 * The items of the newer handler as the older caller reads them: each turned by `down`; `thrown` throws what a failure is to
 * be, or makes an end of it. Whoever pumps them asks for one at a time.
 */
export function convertedOutput(
  items: Items<unknown>,
  down: (item: unknown) => Promise<unknown>,
  thrown: (exception: unknown) => Promise<unknown>,
): AsyncIterableIterator<unknown, undefined> {
  const source = iteratorOf(items);
  return {
    async next() {
      let result: IteratorResult<unknown>;
      try {
        result = await source.next();
      } catch (exception) {
        await thrown(exception);
        return ended;
      }
      if (result.done === true) return ended;
      return { done: false, value: await down(result.value) };
    },
    async return() {
      await source.return?.();
      return ended;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
