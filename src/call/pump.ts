import type { TrunklineError } from "../base/error.ts";
import type { Cancellable } from "../protocol/attempt.ts";
import type { Sink } from "../protocol/protocol.ts";
import type { Iteration } from "./items.ts";

/** Why an item cannot be sent; undefined when it can. What it throws is an exception of the items' own. */
export type CheckItem = (
  item: unknown,
  index: number,
) => TrunklineError | undefined | Promise<TrunklineError | undefined>;

/** Moves items into a sink, one at a time and only when there is room for it. Either side sends its items so. */
export class Pump implements Cancellable {
  readonly #items: Iteration;
  readonly #sink: Sink;
  readonly #check: CheckItem | undefined;
  #cancelled = false;
  #returned: Promise<unknown> | undefined;

  constructor(items: Iteration, sink: Sink, check: CheckItem | undefined) {
    this.#items = items;
    this.#sink = sink;
    this.#check = check;
  }

  /** Nobody takes any more. A source that waits for something that never comes is told at once. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#return().catch(() => {});
  }

  /**
   * Resolves when the items have ended or nobody takes any more; with the failure of an item that could not be sent: it is
   * final, and no exception of the items' own. Rejects with what they throw. Items left early are returned, once.
   */
  async run(): Promise<TrunklineError | undefined> {
    let live = true; // the items have neither ended nor failed
    try {
      for (let index = 0; ; index++) {
        // Several may be told that there is room for one.
        while (!this.#over && !this.#sink.ready) await this.#sink.whenReady();
        if (this.#over) return undefined;
        live = false;
        const result = await this.#items.next();
        if (result.done === true) return undefined;
        live = true;
        if (this.#over) return undefined;
        const unfit = this.#check?.(result.value, index);
        const failure = (unfit instanceof Promise ? await unfit : unfit) ?? this.#put(result.value);
        if (failure !== undefined) return failure;
      }
    } finally {
      this.#cancelled = true; // what has ended is not returned: who cancels later finds nothing to do
      if (live) await this.#return();
    }
  }

  get #over(): boolean {
    return this.#cancelled || this.#sink.closed;
  }

  #put(item: unknown): TrunklineError | undefined {
    try {
      this.#sink.put(item);
      return undefined;
    } catch (failure) {
      return failure as TrunklineError;
    }
  }

  #return(): Promise<unknown> {
    return (this.#returned ??= (async () => this.#items.return?.())());
  }
}
