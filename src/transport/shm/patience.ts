import { availableParallelism } from "node:os";

/** Turns of the event loop, of about a microsecond each, that are spent at most on looking before a side sleeps. */
const turnsMost = 128;

/** The same in milliseconds: where others want the core, turns take longer, and to look on would take it from them. */
const lookMs = 0.15;

/** A sleep that was over within this, in milliseconds, might better have been none: to wake somebody takes tens of microseconds. */
const shortMs = 0.25;

/** After how many short sleeps somebody who does not look any more tries whether it is worth it again; twice as many after each vain try. */
const triesAfter = { least: 32, most: 1_024 } as const;

/**
 * How often a side that has found nothing looks again before it sleeps. To sleep and be woken costs both sides more than dozens of looks,
 * so whoever finds something by looking goes on with that; whoever looks in vain looks a quarter as long the next time, and soon not at all.
 *
 * That a sleep was short does not mean that to look would have been better: where both sides want one core, or others want all of them, it was the
 * sleep that let the other side answer. It is tried now and then. With one core nobody looks: it is the core that the other side needs.
 */
export class Patience {
  readonly #most: number;
  #turns: number;
  #looking = false;
  #left = 0;
  #until = 0;
  #sleptAt = -Infinity;
  /** Short sleeps since it does not look any more. */
  #short = 0;
  #triesAfter: number = triesAfter.least;

  constructor(parallelism: number = availableParallelism()) {
    this.#most = parallelism > 1 ? turnsMost : 0;
    this.#turns = this.#most;
  }

  /** There was something. */
  found(): void {
    if (!this.#looking) return;
    this.#looking = false;
    this.#turns = Math.min(this.#most, this.#turns * 2);
    this.#triesAfter = triesAfter.least;
  }

  /** There was nothing; true: look again in the next turn. */
  again(now: number): boolean {
    if (this.#turns === 0) return false;
    if (!this.#looking) {
      this.#looking = true;
      this.#left = this.#turns;
      this.#until = now + lookMs;
    }
    return this.#left-- > 0 && now < this.#until;
  }

  sleeps(now: number): void {
    this.#looking = false;
    this.#turns >>= 2;
    this.#sleptAt = now;
  }

  wakes(now: number): void {
    if (this.#turns > 0 || now - this.#sleptAt > shortMs || ++this.#short < this.#triesAfter)
      return;
    this.#short = 0;
    this.#triesAfter = Math.min(triesAfter.most, this.#triesAfter * 2);
    this.#turns = this.#most;
  }
}
