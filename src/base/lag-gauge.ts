import type { Env } from "./env.ts";
import { Alarm, tickMs } from "./timer-wheel.ts";

/** How often it looks while there is work, in milliseconds. */
const everyMs = 50;

/** A longer standstill counts as this long: it is over, and was none of the work's doing (the process was stopped, or the host slept). */
const standstillMs = 300;

/** What the newest look counts for. One long collection of garbage is no overload, four slow turns in a row are. */
const newest = 0.3;

/**
 * How late the event loop is, in milliseconds: how much longer than they should things wait in this process before they
 * begin. Looks only while there is work, and is asleep otherwise.
 */
export class LagGauge extends Alarm {
  /** Smoothed over the last few looks. */
  lagMs = 0;
  readonly #env: Env;
  readonly #busy: () => boolean;
  readonly #looked: (lagMs: number) => void;
  #dueAt = 0;

  /** `busy` says whether there was work since the last look; `looked` is told after each. */
  constructor(env: Env, busy: () => boolean, looked: (lagMs: number) => void) {
    super();
    this.#env = env;
    this.#busy = busy;
    this.#looked = looked;
  }

  /** There is work: looks, if it does not yet. */
  wake(now: number): void {
    if (this.tick >= 0) return;
    this.#dueAt = now + everyMs;
    this.#env.set(this, this.#dueAt);
  }

  /** Looks no further. */
  stop(): void {
    this.#env.clear(this);
  }

  ring(): void {
    const now = this.#env.now();
    const late = Math.min(standstillMs, Math.max(0, now - this.#dueAt - tickMs));
    this.lagMs += (late - this.lagMs) * newest;
    const busy = this.#busy();
    this.#looked(this.lagMs);
    if (busy) this.wake(now);
    else this.lagMs = 0;
  }
}
