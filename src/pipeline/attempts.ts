import type { Env } from "../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import { PromisedCompletion, tell, type Completion } from "../protocol/completion.ts";
import { outcomeOf } from "../resilience/outcome.ts";
import { Choosing } from "./choosing.ts";
import { Course, type CourseEnds } from "./course.ts";
import { decide, type Decision } from "./decide.ts";
import { History, tellTry } from "./history.ts";
import type { Job } from "./job.ts";
import { KeyTurns, overtaken, type Turn } from "./key-turns.ts";
import { Pause } from "./pause.ts";
import { givenUp, leftBehind } from "./refusals.ts";
import { SecondTries } from "./second-tries.ts";
import type { ServiceState } from "./service-state.ts";
import type { Target, TargetPermit } from "./target.ts";
import type { Targets, TargetSet } from "./target-set.ts";
import type { OperationTerms } from "./terms.ts";

/** The one engine for retry, hedge and failover: who is asked, when again, and when no more. */
export class Attempts implements CourseEnds {
  readonly #targets: TargetSet;
  readonly #service: ServiceState;
  readonly #env: Env;
  readonly #turns = new KeyTurns();
  readonly #choosing: Choosing;
  readonly #seconds: SecondTries;

  constructor(targets: TargetSet, service: ServiceState, env: Env) {
    this.#targets = targets;
    this.#service = service;
    this.#choosing = new Choosing(service.terms.connectWaitMs, env);
    this.#seconds = new SecondTries(service, env);
    this.#env = env;
  }

  /** Does the job. What it rejects with says of all tries together whether it ran. */
  run(job: Job, attempt: Attempt, terms: OperationTerms): Promise<unknown> {
    const completion = new PromisedCompletion();
    this.ask(job, attempt, terms, completion);
    return completion.promise;
  }

  /** The same, told at once and not by a promise. Never throws. */
  ask(job: Job, attempt: Attempt, terms: OperationTerms, completion: Completion): void {
    const service = this.#service;
    const startedAt = attempt.beganAt ?? this.#env.now();
    let lane: string;
    try {
      lane = service.enter(attempt, startedAt);
    } catch (refusal) {
      completion.failed(refusal);
      return;
    }
    const targets = this.#targets.inLane(lane);
    const { admitted } = service;
    const course = new Course(
      this,
      job,
      attempt,
      terms,
      targets,
      completion,
      lane,
      admitted,
      startedAt,
    );
    let target: Target | undefined;
    try {
      course.turn = this.#turnOf(job, attempt, targets, lane);
      if (course.turn?.barred !== true)
        target = this.#choosing.take(targets, attempt, undefined, startedAt);
    } catch (refusal) {
      this.#fail(course, refusal);
      return;
    }
    if (target === undefined) void this.#beginLater(course);
    else this.#send(course, target, startedAt);
  }

  /** It is not its turn, or nobody is there yet. */
  async #beginLater(course: Course): Promise<void> {
    const { attempt, turn } = course;
    try {
      while (turn?.barred === true) attempt.beganAt = await turn.comes(this.#env, attempt);
      await this.#next(course, attempt.beganAt ?? course.startedAt);
    } catch (refusal) {
      this.#fail(course, refusal);
    }
  }

  async #next(course: Course, now: number): Promise<void> {
    const { attempt, targets, history } = course;
    const choosing = this.#choosing;
    let target = choosing.take(targets, attempt, history, now);
    if (target === undefined) {
      await choosing.somebody(targets, attempt, history, course.startedAt);
      target = choosing.takeNow(targets, attempt, history);
      attempt.beganAt = now = this.#env.now();
    }
    if (history !== undefined) {
      attempt.tries = history.counted;
      attempt.beganAt = now = this.#env.now();
    }
    this.#send(course, target, now);
  }

  #send(course: Course, target: Target, now: number): void {
    const { job, attempt, terms, turn } = course;
    const sent = limited(attempt, now + terms.attemptTimeoutMs);
    course.target = target;
    course.permit = this.#choosing.permit; // nothing was waited for since it was set
    course.sent = sent;
    course.sentAt = now;
    turn?.go(); // and none beside it: that would keep no order
    course.late = turn === undefined ? this.#seconds.watch(course, now) : undefined;
    try {
      if (job.ask === undefined) tell(course, job.send(target.caller, sent));
      else job.ask(target.caller, sent, course);
    } catch (failure) {
      course.failed(failure);
    }
  }

  succeeded(course: Course, answer: unknown): void {
    const { attempt, target, terms } = course;
    const now = (course.overAt = this.#env.now());
    const tookMs = now - course.sentAt;
    attempt.endedAt = now;
    course.turn?.ran();
    target.end(course.permit, "ok", tookMs, now);
    course.job.goesOn?.(target);
    if (terms.hedge !== undefined) this.#service.answered(terms, tookMs, now);
    course.late?.end(this.#env);
    course.outcome = "ok";
    this.#leave(course);
    course.completion.answered(answer);
  }

  async goOn(course: Course, failure: unknown): Promise<void> {
    let second: { readonly answer: unknown } | undefined;
    try {
      try {
        second = await this.#recover(course, failure);
      } finally {
        course.late?.end(this.#env);
      }
      if (second === undefined) {
        await this.#next(course, this.#env.now());
        return;
      }
    } catch (told) {
      this.#fail(course, told);
      return;
    }
    course.outcome = "ok";
    this.#leave(course);
    course.completion.answered(second.answer);
  }

  #fail(course: Course, told: unknown): void {
    this.#leave(course);
    course.completion.failed(told);
  }

  #leave({ lane, admitted, outcome, overAt, turn }: Course): void {
    this.#service.leave(lane, admitted, outcome, overAt);
    turn?.leave();
  }

  /** Where requests go wherever there is room there is no order to keep. */
  #turnOf(job: Job, attempt: Attempt, targets: Targets, lane: string): Turn | undefined {
    const ordered = targets.list.length <= 1 || attempt.hashKey !== undefined;
    return ordered ? this.#turns.join(job, lane) : undefined;
  }

  // ---- after a failure ----------------------------------------------------------------------------------------------

  /** The answer of the try beside it; undefined when it is time for another one. Throws what the caller is told when there is none. */
  async #recover(
    course: Course,
    given: unknown,
  ): Promise<{ readonly answer: unknown } | undefined> {
    const { job, attempt, target, permit, sentAt, late } = course;
    const failure = leftBehind(given, target, attempt);
    const now = (course.overAt = this.#env.now());
    course.outcome = outcomeOf(failure);
    if (late !== undefined) this.#env.clear(late); // nobody is late any more
    if (late?.won === true) {
      target.end(permit, "cancelled", now - sentAt, now);
      return { answer: await late.begun!.answer };
    }
    const history = (course.history ??= new History(course.startedAt));
    const error = this.#failed(failure, target, permit, sentAt, now, history);
    if (late?.begun !== undefined) {
      const second = await this.#seconds.answer(late, late.begun, attempt, history);
      if (second !== undefined) {
        tellTry(job.operation, attempt, target, error, true);
        return second;
      }
    }
    attempt.reachedBoot = course.sent.reachedBoot;
    await this.#again(course, error, history);
    return undefined;
  }

  #failed(
    failure: unknown,
    target: Target,
    permit: TargetPermit,
    from: number,
    to: number,
    history: History,
  ): TrunklineError {
    const outcome = outcomeOf(failure);
    const pushback = isTrunklineError(failure) ? failure.retryAfterMs : undefined;
    target.end(permit, outcome, to - from, to, typeof pushback === "number" ? pushback : undefined);
    if (!isTrunklineError(failure)) throw failure;
    history.add(target, failure, from, to);
    return failure;
  }

  /** Returns when it is time for another try; throws what the caller is told when there is none. */
  async #again(course: Course, failure: TrunklineError, history: History): Promise<void> {
    const { targets, job, attempt, terms, target, turn } = course;
    const env = this.#env;
    if (failure.executed !== "no") turn?.ran();
    const outcome = outcomeOf(failure);
    const now = env.now();
    const { state } = target.caller;
    const unsent = outcome === "unreachable" && state !== "ready";
    if (!unsent) history.counted++;
    const othersLeft = targets.list.some((each) => !history.knows(each));
    const decision: Decision =
      turn?.overtaken === true
        ? { stop: overtaken }
        : job.repeatable
          ? decide({
              failure,
              outcome,
              attempt,
              retry: terms.retry,
              budget: this.#service.budget,
              // Who certainly did not run it knows nothing of its key, and binds nobody.
              idempotent:
                failure.executed !== "no" &&
                this.#mayRunAgain(targets, job, attempt, target, history),
              unsent,
              othersLeft,
              counted: history.counted,
              rounds: history.rounds,
              startedAt: history.startedAt,
              now,
              random: env.random,
            })
          : { stop: undefined };
    tellTry(job.operation, attempt, target, failure, !("stop" in decision));
    if ("stop" in decision) throw history.error(failure, decision.stop, now);
    if (unsent && !othersLeft) history.rounds++;
    turn?.goBack();
    if (decision.waitMs > 0) await new Pause(env, now + decision.waitMs, attempt).over;
    if (turn !== undefined) await turn.comesAgain(env, attempt, terms.retry.backoff.capMs);
    else if (decision.waitMs === 0) return;
    const then = env.now();
    if (attempt.cancelled !== undefined) throw history.error(givenUp(attempt), undefined, then);
    if (then >= attempt.acceptBy) throw history.error(failure, undefined, then); // an alarm may ring a tick late
    if (turn?.barred === true) throw history.error(failure, overtaken, then);
  }

  /**
   * By key it may run again where the key is known: in the process that has seen it. Then nobody else is asked, and whoever has
   * taken its place refuses.
   */
  #mayRunAgain(
    targets: Targets,
    job: Job,
    attempt: Attempt,
    target: Target,
    history: History,
  ): boolean {
    const { idempotent } = job.operation;
    if (idempotent !== "by-key") return idempotent;
    const { keyStore } = target.instance ?? {};
    const others = targets.list.filter((each) => each !== target);
    if (keyStore !== undefined) {
      history.barred = others.filter((each) => each.instance?.keyStore !== keyStore);
      return true;
    }
    attempt.onlyBoot ??= attempt.reachedBoot;
    if (attempt.onlyBoot === undefined) return false; // a process that says nothing of itself
    history.barred = others;
    return true;
  }
}

/** With a time of its own for each try, where the terms say one: then what is given up is the try, not the call. */
function limited(attempt: Attempt, until: number): Attempt {
  if (until >= attempt.deadlineAt) return attempt;
  const own = attempt.derive(until);
  attempt.bind(own);
  return own;
}
