import type { Env } from "../../base/env.ts";
import { line, together, writeSheet, type Line } from "./sheet.ts";

/**
 * What is to be said to the other side, as the items of a stream: what gathers while the other side is not ready goes together.
 * What may be said before an answer is bounded by who says it: deliveries by the prefetch, what settles them by the deliveries.
 */
export class Outlet implements AsyncIterable<Uint8Array> {
  readonly #env: Env;
  #lines: Line[] = [];
  #ended = false;
  #waking = false;
  #wake: (() => void) | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  say(what: unknown, data: readonly Uint8Array[] = []): void {
    if (this.#ended) return;
    this.#lines.push(line(what, data));
    if (this.#wake === undefined || this.#waking) return;
    this.#waking = true;
    // What is said in one turn goes together.
    this.#env.defer(() => {
      this.#waking = false;
      this.#wake?.();
    });
  }

  /** What was said before still goes. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** What was said before goes no more. */
  drop(): void {
    this.#lines = [];
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      while (this.#lines.length === 0) {
        if (this.#ended) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
      yield writeSheet(this.#lines.splice(0, together(this.#lines)));
    }
  }
}
