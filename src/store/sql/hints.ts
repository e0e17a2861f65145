import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";

/** No more than one hint in so many milliseconds: each is a transaction of its own. */
const hintPauseMs = 10;

/** Gives hints, few however many are asked for. The first goes at once, and the last is never left out. */
export class Hints {
  readonly #give: () => Promise<void>;
  readonly #env: Env;
  #nextAt = -Infinity;
  #alarm: Alarm | undefined;

  constructor(give: () => Promise<void>, env: Env) {
    this.#give = give;
    this.#env = env;
  }

  hint(): void {
    if (this.#alarm !== undefined) return;
    const now = this.#env.now();
    if (now >= this.#nextAt) this.#now();
    else this.#alarm = alarmAt(this.#env, this.#nextAt, () => this.#now());
  }

  #now(): void {
    this.#alarm = undefined;
    this.#nextAt = this.#env.now() + hintPauseMs;
    // Whoever listens looks by himself as well.
    void this.#give().catch(() => {});
  }

  close(): void {
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    this.#alarm = undefined;
  }
}
