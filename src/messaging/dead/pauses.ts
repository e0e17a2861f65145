import type { Env } from "../../base/env.ts";
import { Alarm } from "../../base/timer-wheel.ts";

class Pause extends Alarm {
  readonly over: Promise<void>;
  readonly #resolve: () => void;

  constructor() {
    super();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#resolve = resolve;
  }

  ring(): void {
    this.#resolve();
  }
}

/** Pauses that can be ended together. */
export class Pauses {
  readonly #env: Env;
  readonly #pauses = new Set<Pause>();
  #ended = false;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Resolves after so many milliseconds, or when all are ended. */
  async pause(ms: number): Promise<void> {
    if (this.#ended) return;
    const pause = new Pause();
    this.#pauses.add(pause);
    this.#env.set(pause, this.#env.now() + ms);
    await pause.over;
    this.#env.clear(pause);
    this.#pauses.delete(pause);
  }

  /** No pause lasts any longer. */
  end(): void {
    this.#ended = true;
    for (const pause of this.#pauses) pause.ring();
  }
}
