import { isTrunklineError } from "trunkline";
import { answerWithinMs } from "../contracts/tower.ts";

/** A call may be settled this much later than its deadline: a tick of the library, and the noise of a busy machine. */
const graceMs = 1_000;
const looksEveryMs = 100;

/** Watches calls from outside, trusting nothing that the library says of itself. */
export class Watch implements Disposable {
  /** Calls that had not settled by their deadline. */
  hung = 0;
  /** Calls that were rejected with something that is no TrunklineError. */
  untyped = 0;
  readonly #open = new Set<{ readonly at: number }>();
  readonly #timer: NodeJS.Timeout;
  #lookedAt = performance.now();
  #latencies: number[] = [];

  constructor() {
    this.#timer = setInterval(() => this.#look(), looksEveryMs).unref();
  }

  async over<T>(call: () => Promise<T>): Promise<T> {
    const begun = { at: performance.now() };
    this.#open.add(begun);
    try {
      return await call();
    } catch (error) {
      if (!isTrunklineError(error)) this.untyped++;
      throw error;
    } finally {
      this.#open.delete(begun);
      this.#latencies.push(Math.round((performance.now() - begun.at) * 1_000));
    }
  }

  /** Microseconds of each call that settled since this was asked before. */
  takeLatencies(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  #look(): void {
    const now = performance.now();
    const stalled = now - this.#lookedAt > looksEveryMs + graceMs / 2;
    this.#lookedAt = now;
    if (stalled) return; // this process stood still: what is late is late because of that
    for (const begun of this.#open) {
      if (now - begun.at < answerWithinMs + graceMs) continue;
      this.hung++;
      this.#open.delete(begun);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
