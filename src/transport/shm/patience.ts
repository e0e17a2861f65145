import { availableParallelism } from "node:os";

/** Turns of the event loop, of about a microsecond each, that are spent at most on looking before a side sleeps. */
const turnsMost = 64;

/** The same in milliseconds: where others want the core, turns take longer, and to look on would take it from them. */
const lookMs = 0.15;

/** A sleep that was over within this, in milliseconds, would better have been none: to wake somebody takes tens of microseconds. */
const shortMs = 0.25;

/**
 * How often a side that has found nothing looks again before it sleeps. To sleep and be woken costs both sides more than dozens of looks,
 * so who is answered quickly keeps looking; who waits for long learns to sleep at once. With one core nobody looks: it is the core
 * that the other side needs.
 */
export class Patience {
  readonly #most: number;
  #turns: number;
  #left = 0;
  #until = -Infinity;
  #sleptAt = -Infinity;

  constructor(parallelism: number = availableParallelism()) {
    this.#most = parallelism > 1 ? turnsMost : 0;
    this.#turns = this.#most;
  }

  /** There was something. */
  found(): void {
    this.#left = this.#turns;
    this.#until = Infinity;
  }

  /** There was nothing; true: look again in the next turn. */
  again(now: number): boolean {
    if (this.#until === Infinity) this.#until = now + lookMs;
    return this.#left-- > 0 && now < this.#until;
  }

  sleeps(now: number): void {
    this.#sleptAt = now;
  }

  wakes(now: number): void {
    const short = now - this.#sleptAt <= shortMs;
    this.#turns = short ? Math.min(this.#most, this.#turns * 2 + 1) : this.#turns >> 1;
  }
}
