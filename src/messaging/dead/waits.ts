import type { Env } from "../../base/env.ts";
import { Alarm } from "../../base/timer-wheel.ts";

class Wait extends Alarm {
  readonly over: Promise<void>;
  readonly reached: () => boolean;
  readonly #resolve: () => void;

  constructor(reached: () => boolean) {
    super();
    this.reached = reached;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#resolve = resolve;
  }

  ring(): void {
    this.#resolve();
  }
}

/** Waits that can be ended together. */
export class Waits {
  readonly #env: Env;
  readonly #waits = new Set<Wait>();
  #ended = false;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Resolves after so many milliseconds, or when all are ended. */
  pause(ms: number): Promise<void> {
    return this.until(() => false, ms);
  }

  /** Resolves when it is reached, which is looked after at each `look`; at the latest after so many milliseconds, or when all are ended. */
  async until(reached: () => boolean, ms: number): Promise<void> {
    if (this.#ended || reached()) return;
    const wait = new Wait(reached);
    this.#waits.add(wait);
    this.#env.set(wait, this.#env.now() + ms);
    await wait.over;
    this.#env.clear(wait);
    this.#waits.delete(wait);
  }

  /** Something has changed that somebody may wait for. */
  look(): void {
    for (const wait of this.#waits) if (wait.reached()) wait.ring();
  }

  /** No wait lasts any longer, now and later. */
  end(): void {
    this.#ended = true;
    for (const wait of this.#waits) wait.ring();
  }
}
