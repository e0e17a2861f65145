import { Alarm } from "../base/timer-wheel.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Target } from "./target.ts";

/** Begins a second try; undefined when there is nobody to ask, or the budget says no. */
export type BeginLate = (first: Target) => Begun | undefined;

export interface Begun {
  readonly attempt: Attempt;
  readonly target: Target;
  /** Settles with the second try; what it means for its endpoint has been told by then. */
  readonly answer: Promise<unknown>;
}

/**
 * A second try beside one that takes long, of an operation that may run twice. Whoever answers first has won; the other one is
 * given up. A failure of the second one alone is not told: the first may still answer.
 */
export class LateTry extends Alarm {
  /** The second try has answered first. */
  won = false;
  begun: Begun | undefined;
  readonly #first: Attempt;
  readonly #target: Target;
  readonly #begin: BeginLate;

  constructor(first: Attempt, target: Target, begin: BeginLate) {
    super();
    this.#first = first;
    this.#target = target;
    this.#begin = begin;
  }

  ring(): void {
    if (this.#first.cancelled !== undefined) return;
    const begun = (this.begun = this.#begin(this.#target));
    begun?.answer.then(
      () => {
        this.won = true;
        this.#first.cancel("caller");
      },
      () => {}, // told when the first fails too
    );
  }

  /** The first has answered, or the caller gave up. */
  giveUp(): void {
    this.begun?.attempt.cancel("caller");
  }
}
