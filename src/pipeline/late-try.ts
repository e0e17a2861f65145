import type { Env } from "../base/env.ts";
import { Alarm } from "../base/timer-wheel.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Job } from "./job.ts";
import type { Target } from "./target.ts";
import type { Targets } from "./target-set.ts";
import type { OperationTerms } from "./terms.ts";

export interface Begun {
  readonly attempt: Attempt;
  readonly target: Target;
  /** Settles with the second try; what it means for its endpoint has been told by then. */
  readonly answer: Promise<unknown>;
}

/** Begins second tries. */
export interface LateTries {
  /** Undefined when there is nobody to ask, or the budget says no. */
  beginLate(beside: LateTry): Begun | undefined;
}

/**
 * A second try beside one that takes long, of an operation that may run twice. Whoever answers first has won; the other one is
 * given up. A failure of the second one alone is not told: the first may still answer. One object for each call that may have
 * one, and no closure: most of them never ring.
 */
export class LateTry extends Alarm {
  readonly targets: Targets;
  readonly job: Job;
  /** The first try. */
  readonly attempt: Attempt;
  /** Who was asked first. */
  readonly target: Target;
  readonly terms: OperationTerms;
  /** When it is asked for at the latest; sooner only where the terms say so. */
  readonly lateAt: number;
  /** The second try has answered first. */
  won = false;
  begun: Begun | undefined = undefined;
  readonly #tries: LateTries;

  constructor(
    tries: LateTries,
    targets: Targets,
    job: Job,
    attempt: Attempt,
    target: Target,
    terms: OperationTerms,
    lateAt: number,
  ) {
    super();
    this.#tries = tries;
    this.targets = targets;
    this.job = job;
    this.attempt = attempt;
    this.target = target;
    this.terms = terms;
    this.lateAt = lateAt;
  }

  ring(): void {
    if (this.attempt.cancelled !== undefined) return;
    const begun = (this.begun = this.#tries.beginLate(this));
    begun?.answer.then(
      () => {
        this.won = true;
        this.attempt.cancel("caller");
      },
      () => {}, // told when the first fails too
    );
  }

  /** The call is over: no second try begins, and one that is under way is given up. */
  end(env: Env): void {
    env.clear(this);
    this.giveUp();
  }

  /** The first has answered, or the caller gave up. */
  giveUp(): void {
    this.begun?.attempt.cancel("caller");
  }
}
