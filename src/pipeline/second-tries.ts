import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import { outcomeOf } from "../resilience/outcome.ts";
import type { Course } from "./course.ts";
import type { History } from "./history.ts";
import { LateTry, type Begun, type LateTries } from "./late-try.ts";
import type { ServiceState } from "./service-state.ts";

/** Begins second tries beside first ones that take long, and tells what came of them. */
export class SecondTries implements LateTries {
  readonly #service: ServiceState;
  readonly #env: Env;

  constructor(service: ServiceState, env: Env) {
    this.#service = service;
    this.#env = env;
  }

  /** Asks for one later, unless the first has answered by then; undefined where there is none to ask. */
  watch(course: Course, now: number): LateTry | undefined {
    const { targets, job, attempt, target, terms } = course;
    if (job.operation.idempotent !== true || attempt.once || !job.hedgeable) return undefined;
    if (targets.list.length < 2) return undefined;
    const lateAt = this.#service.lateAt(attempt, now);
    const at = this.#service.hedgeAt(terms, lateAt, now);
    if (at >= attempt.deadlineAt) return undefined;
    const late = new LateTry(this, targets, job, attempt, target, terms, lateAt);
    this.#env.set(late, at);
    return late;
  }

  /** The second one may still be on its way: its answer is as good, and its failure may be a worse one. */
  async answer(
    late: LateTry,
    begun: Begun,
    attempt: Attempt,
    history: History,
  ): Promise<{ readonly answer: unknown } | undefined> {
    if (attempt.cancelled !== undefined) late.giveUp();
    const second = await begun.answer.then(answered, unanswered);
    if ("answer" in second) return second;
    history.addSecond(begun.target, second.failure, this.#env.now());
    return undefined;
  }

  beginLate(beside: LateTry): Begun | undefined {
    const now = this.#env.now();
    const sooner = now < beside.lateAt;
    const begun = this.#beginSecond(beside, sooner, now);
    if (begun === undefined && sooner) this.#env.set(beside, beside.lateAt); // then it asks as everybody does
    return begun;
  }

  #beginSecond(
    { targets, job, attempt, target: first, terms }: LateTry,
    sooner: boolean,
    now: number,
  ): Begun | undefined {
    const env = this.#env;
    const ask = { now, random: env.random, tried: [first], hashKey: attempt.hashKey };
    const target = targets.pick(ask);
    if (target === undefined) return undefined;
    // Only who hedges by what answers usually take has reason to be choosy: all others wait for one that says nothing.
    if (sooner && !target.available(now)) return undefined;
    if (now + terms.retry.attemptMinMs >= attempt.deadlineAt) return undefined;
    if (!this.#service.mayHedge(sooner, now)) return undefined;
    const permit = target.begin(now, !sooner);
    if (typeof permit !== "number") return undefined;
    const second = attempt.derive(attempt.deadlineAt);
    second.tries = attempt.tries + 1;
    second.beganAt = now;
    const answer = job.send(target.caller, second).then(
      (value) => {
        const doneAt = env.now();
        target.end(permit, "ok", doneAt - now, doneAt);
        this.#service.answered(terms, doneAt - now, doneAt);
        return value;
      },
      (failure: unknown) => {
        const doneAt = env.now();
        target.end(permit, outcomeOf(failure), doneAt - now, doneAt);
        throw isTrunklineError(failure)
          ? failure
          : new Error("the second try failed", { cause: failure });
      },
    );
    return { attempt: second, target, answer };
  }
}

const answered = (answer: unknown) => ({ answer });
const unanswered = (failure: unknown) => ({ failure });
