import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";

/** Between tries of a lane whose first message is not taken, in milliseconds. */
const pauses = { baseMs: 100, capMs: 30_000 };

interface Standing {
  readonly failures: number;
  readonly dueAt: number;
}

/** Lanes of which nothing is read for now, because the first message there was not taken. Never more than there are lanes. */
export class StandingLanes {
  readonly #env: Env;
  readonly #lanes = new Map<number, Standing>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Once, however many of its messages were not taken at that. */
  stop(lane: number): void {
    const before = this.#lanes.get(lane);
    if (before !== undefined && before.dueAt > this.#env.now()) return;
    const failures = (before?.failures ?? 0) + 1;
    const pauseMs = backoff(failures - 1, pauses, () => this.#env.random());
    this.#lanes.set(lane, { failures, dueAt: this.#env.now() + pauseMs });
  }

  /** Something of it was taken. */
  goes(lane: number): void {
    this.#lanes.delete(lane);
  }

  get current(): readonly number[] {
    const now = this.#env.now();
    return [...this.#lanes].filter(([, { dueAt }]) => dueAt > now).map(([lane]) => lane);
  }

  /** How long until the first of them is tried again, in milliseconds; Infinity when none stands. */
  get soonestMs(): number {
    const now = this.#env.now();
    let soonest = Infinity;
    for (const { dueAt } of this.#lanes.values())
      if (dueAt > now) soonest = Math.min(soonest, dueAt - now);
    return soonest;
  }
}
