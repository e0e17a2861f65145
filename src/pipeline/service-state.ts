import type { TrunklineError } from "../base/error.ts";
import type { Random } from "../base/random.ts";
import type { Attempt } from "../protocol/attempt.ts";
import { Breaker, noPermit } from "../resilience/breaker.ts";
import { Bulkhead } from "../resilience/bulkhead.ts";
import { effects, type OutcomeKind } from "../resilience/outcome.ts";
import { RetryBudget } from "../resilience/retry-budget.ts";
import { Throttle } from "../resilience/throttle.ts";
import { crowded, open, throttled } from "./refusals.ts";
import type { OperationTerms, PipelineTerms } from "./terms.ts";

/** The lane of whoever names none. */
const mainLane = "main";

/** The bound is that of each lane: lanes must not take each other's room. */
const serviceMaxMax = 1_000_000;

/** After this share of its time an idempotent call asks somebody else too: whoever it waits for may be frozen. */
const lateShare = 1 / 3;

/** What all calls of one service from this process share, whatever endpoint they go to. */
export class ServiceState {
  readonly terms: PipelineTerms;
  readonly budget: RetryBudget;
  readonly bulkhead: Bulkhead;
  /** Of the service as a whole; undefined, unless it was asked for. */
  readonly breaker: Breaker | undefined;
  /** The breaker's permit of the call that has just entered: no object for each call. */
  admitted: number = noPermit;
  readonly #hedgeBudget: RetryBudget;
  readonly #throttle: Throttle | undefined;
  readonly #lane: string | undefined;

  constructor(terms: PipelineTerms, lane: string | undefined, now: number, random: Random) {
    this.terms = terms;
    this.budget = new RetryBudget(terms.budget, now);
    this.#hedgeBudget = new RetryBudget({ ratio: terms.hedgeRatio, minPerSec: 0 }, now);
    this.bulkhead = new Bulkhead({ max: serviceMaxMax, laneMax: terms.serviceMax });
    const { breaker } = terms;
    const whole = breaker !== false && breaker.scope === "service";
    this.breaker = whole ? new Breaker(breaker, random) : undefined;
    this.#throttle = terms.throttle ? new Throttle({}, random, now) : undefined;
    this.#lane = lane;
  }

  /** Lets a call in, or throws. Returns its lane, which is to be left again. */
  enter(attempt: Attempt, now: number): string {
    const lane = attempt.lane ?? this.#lane ?? mainLane;
    if (!this.bulkhead.tryAcquire(lane)) throw crowded(lane, this.terms.serviceMax);
    const refusal = this.#refusal(now);
    if (refusal === undefined) return lane;
    this.bulkhead.release(lane);
    throw refusal;
  }

  #refusal(now: number): TrunklineError | undefined {
    if (this.breaker !== undefined) {
      this.admitted = this.breaker.tryAcquire(now);
      if (this.admitted < 0) return open((this.breaker.retryAt(now) ?? now) - now);
    }
    if (this.#throttle?.tryAcquire(now) !== false) return undefined;
    if (this.admitted >= 0) this.breaker?.release(this.admitted, "local", now);
    return throttled();
  }

  /** A call is over, with what its last try came to. */
  leave(lane: string, admitted: number, outcome: OutcomeKind, now: number): void {
    this.bulkhead.release(lane);
    if (admitted >= 0) this.breaker?.release(admitted, outcome, now);
    this.#throttle?.release(outcome, now);
    if (effects[outcome].deposits) this.budget.deposit(now);
  }

  /** How long an answer took, for whoever hedges by it. */
  answered({ hedge, latency }: OperationTerms, elapsedMs: number, now: number): void {
    if (hedge === undefined) return;
    this.#hedgeBudget.deposit(now);
    latency?.record(elapsedMs, now);
  }

  /** When an idempotent call asks somebody else too, whatever its terms say. */
  lateAt({ deadlineAt }: Attempt, now: number): number {
    return now + (deadlineAt - now) * lateShare;
  }

  /** When it does so sooner, because its terms say so. */
  hedgeAt({ hedge, latency }: OperationTerms, lateAt: number, now: number): number {
    if (hedge === undefined) return lateAt;
    const delayMs = hedge.delayMs ?? latency?.quantileMs(hedge.percentile, now) ?? NaN;
    return Number.isNaN(delayMs) ? lateAt : Math.min(lateAt, now + delayMs);
  }

  /** Whether there may be one more request because of that. `sooner`: only because the terms say so, within their own budget. */
  mayHedge(sooner: boolean, now: number): boolean {
    if (sooner && !this.#hedgeBudget.tryWithdraw(now)) return false;
    return this.budget.tryWithdraw(now);
  }
}
