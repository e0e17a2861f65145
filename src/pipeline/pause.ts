import type { Env } from "../base/env.ts";
import { Alarm } from "../base/timer-wheel.ts";
import type { Attempt, Cancellable } from "../protocol/attempt.ts";

/** A wait that ends at its time, when it is woken, or when the call is given up, whatever comes first. */
export class Pause extends Alarm implements Cancellable {
  readonly over: Promise<void>;
  readonly #env: Env;
  #resolve!: () => void;

  constructor(env: Env, until: number, attempt: Attempt) {
    super();
    this.#env = env;
    this.over = new Promise((resolve) => (this.#resolve = resolve));
    env.set(this, until);
    attempt.bind(this);
  }

  ring(): void {
    this.#resolve();
  }

  wake(): void {
    this.#env.clear(this);
    this.#resolve();
  }

  cancel(): void {
    this.wake();
  }
}
