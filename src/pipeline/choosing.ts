import type { Env } from "../base/env.ts";
import type { TrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { History } from "./history.ts";
import { Pause } from "./pause.ts";
import { full, givenUp, shut, tooLate } from "./refusals.ts";
import type { Target, TargetPermit } from "./target.ts";
import type { Targets } from "./target-set.ts";

/** Endpoints that are asked for leave, one after the other, before the last one is taken whatever it says. */
const picksMax = 4;

/** Who is asked next, and that it has given leave. */
export class Choosing {
  /** What the endpoint that was taken last has given leave by: to be read before anything is waited for. No object for each try. */
  permit: TargetPermit = 0;
  readonly #connectWaitMs: number;
  readonly #env: Env;

  constructor(connectWaitMs: number, env: Env) {
    this.#connectWaitMs = connectWaitMs;
    this.#env = env;
  }

  /** An endpoint that has given leave; undefined when there is none at all, or all were tried. Throws when all refuse. */
  take(
    targets: Targets,
    attempt: Attempt,
    history: History | undefined,
    now: number,
  ): Target | undefined {
    const { list } = targets;
    if (list.length === 1 && history === undefined) return this.#begin(list[0]!, history, now);
    const tried = history === undefined ? [] : [...history.tried, ...history.barred];
    const ask = { now, random: this.#env.random, tried, hashKey: attempt.hashKey };
    let last: Target | undefined;
    for (let picks = 0; picks < picksMax; picks++) {
      const target = targets.pick(ask);
      if (target === undefined) break;
      last = target;
      const permit = target.begin(now, false);
      if (typeof permit === "number") {
        this.permit = permit;
        return target;
      }
      // Chosen though its breaker is open: most are, so that those which are not may be what is wrong. Then breakers do not count.
      if (permit === "breaker" && !target.available(now)) return this.#begin(target, history, now);
      tried.push(target);
    }
    // Open breakers must not take the last endpoints away.
    return last === undefined ? undefined : this.#begin(last, history, now);
  }

  /** Leave of an endpoint whose breaker does not count: there is no other one. */
  #begin(target: Target, history: History | undefined, now: number): Target {
    const permit = target.begin(now, true);
    if (typeof permit === "number") {
      this.permit = permit;
      return target;
    }
    throw this.#refused(permit === "breaker" ? shut(target) : full(target), history);
  }

  /** Everybody was tried, or nobody is there yet: returns when somebody can be, or when that was waited for long enough. */
  async somebody(
    targets: Targets,
    attempt: Attempt,
    history: History | undefined,
    startedAt: number,
  ): Promise<void> {
    if (history !== undefined) history.tried = [];
    const until = Math.min(attempt.acceptBy, startedAt + this.#connectWaitMs);
    while (targets.list.length === 0 && this.#env.now() < until) {
      const pause = new Pause(this.#env, until, attempt);
      const stop = targets.whenFound(() => pause.wake());
      await pause.over;
      stop();
      if (attempt.cancelled !== undefined) throw this.#refused(givenUp(attempt), history);
    }
  }

  takeNow(targets: Targets, attempt: Attempt, history: History | undefined): Target {
    if (targets.list.length === 0 || this.#env.now() >= attempt.acceptBy)
      throw this.#refused(targets.list.length === 0 ? targets.missing() : tooLate(), history);
    const target = this.take(targets, attempt, history, this.#env.now());
    if (target === undefined) throw this.#refused(targets.missing(), history);
    return target;
  }

  /** That nobody can be asked does not undo an earlier try that perhaps ran. */
  #refused(refusal: TrunklineError, history: History | undefined): TrunklineError {
    return history?.error(refusal, undefined, this.#env.now()) ?? refusal;
  }
}
