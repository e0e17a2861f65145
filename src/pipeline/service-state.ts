import { systemError, type TrunklineError } from "../base/error.ts";
import type { Random } from "../base/random.ts";
import type { Attempt } from "../protocol/attempt.ts";
import { Bulkhead } from "../resilience/bulkhead.ts";
import { effects, type OutcomeKind } from "../resilience/outcome.ts";
import { RetryBudget } from "../resilience/retry-budget.ts";
import { Throttle } from "../resilience/throttle.ts";
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
  readonly #hedgeBudget: RetryBudget;
  readonly #throttle: Throttle | undefined;
  readonly #lane: string | undefined;

  constructor(terms: PipelineTerms, lane: string | undefined, now: number, random: Random) {
    this.terms = terms;
    this.budget = new RetryBudget(terms.budget, now);
    this.#hedgeBudget = new RetryBudget({ ratio: terms.hedgeRatio, minPerSec: 0 }, now);
    this.bulkhead = new Bulkhead({ max: serviceMaxMax, laneMax: terms.serviceMax });
    this.#throttle = terms.throttle ? new Throttle({}, random, now) : undefined;
    this.#lane = lane;
  }

  /** Lets a call in, or throws. Returns its lane, which is to be left again. */
  enter(attempt: Attempt, now: number): string {
    const lane = attempt.lane ?? this.#lane ?? mainLane;
    if (!this.bulkhead.tryAcquire(lane)) throw crowded(lane, this.terms.serviceMax);
    if (this.#throttle?.tryAcquire(now) !== false) return lane;
    this.bulkhead.release(lane);
    throw throttled();
  }

  /** A call is over, with what its last try came to. */
  leave(lane: string, outcome: OutcomeKind, now: number): void {
    this.bulkhead.release(lane);
    this.#throttle?.release(outcome, now);
    if (effects[outcome].deposits) this.budget.deposit(now);
  }

  /** How long an answer took, for whoever hedges by it. */
  answered({ hedge, latency }: OperationTerms, elapsedMs: number, now: number): void {
    if (hedge === undefined) return;
    this.#hedgeBudget.deposit(now);
    latency?.record(elapsedMs, now);
  }

  /** When an idempotent call asks somebody else too. */
  lateAt({ hedge, latency }: OperationTerms, { deadlineAt }: Attempt, now: number): number {
    const late = now + (deadlineAt - now) * lateShare;
    if (hedge === undefined) return late;
    const delayMs = hedge.delayMs ?? latency?.quantileMs(hedge.percentile, now) ?? NaN;
    return Number.isNaN(delayMs) ? late : Math.min(late, now + delayMs);
  }

  /** Whether there may be one more request because of that. */
  mayHedge({ hedge }: OperationTerms, now: number): boolean {
    if (hedge !== undefined && !this.#hedgeBudget.tryWithdraw(now)) return false;
    return this.budget.tryWithdraw(now);
  }
}

function throttled(): TrunklineError {
  const reason = "the service refuses most of what it is sent, because it is overloaded";
  return systemError("RESOURCE_EXHAUSTED", reason, {
    executed: "no",
    gate: "throttle",
    advice: "send less, or wait: a share is let through and recovers with the service",
  });
}

function crowded(lane: string, max: number): TrunklineError {
  const reason = `${max} requests of the lane "${lane}" are under way to this service`;
  return systemError("RESOURCE_EXHAUSTED", reason, {
    executed: "no",
    gate: "bulkhead",
    advice: "it does not answer as fast as it is asked; ask less at once, or raise limit.service",
  });
}
