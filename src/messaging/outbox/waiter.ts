import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";

/** Lets one loop wait for a call or for time, whichever is first. A call while nobody waits counts for the next wait. */
export class Waiter {
  readonly #env: Env;
  #called = false;
  #resolve: (() => void) | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  call(): void {
    this.#called = true;
    this.#resolve?.();
  }

  /** Resolves with true when it was called. No alarm stays. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#called && ms > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      const alarm =
        ms < Infinity ? alarmAt(this.#env, this.#env.now() + ms, () => resolve()) : undefined;
      await promise;
      this.#resolve = undefined;
      if (alarm !== undefined) this.#env.clear(alarm);
    }
    const called = this.#called;
    this.#called = false;
    return called;
  }
}
