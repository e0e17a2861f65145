import type { TrunklineError } from "../base/error.ts";
import type { Random } from "../base/random.ts";
import type { Attempt } from "../protocol/attempt.ts";
import { fullJitter } from "../resilience/full-jitter.ts";
import { effects, type OutcomeKind } from "../resilience/outcome.ts";
import type { RetryBudget } from "../resilience/retry-budget.ts";
import type { RetryTerms } from "./terms.ts";

/** What decides whether a call is tried again. */
export interface Case {
  readonly failure: TrunklineError;
  readonly outcome: OutcomeKind;
  readonly attempt: Attempt;
  readonly retry: RetryTerms;
  readonly budget: RetryBudget;
  /** It may run a second time where the next try would go. */
  readonly idempotent: boolean;
  /** Nothing left this process, and the endpoint has no connection. */
  readonly unsent: boolean;
  /** There is an endpoint that was not tried. */
  readonly othersLeft: boolean;
  /** Tries that may have reached somebody. */
  readonly counted: number;
  /** How often everybody was tried in vain. */
  readonly rounds: number;
  readonly startedAt: number;
  readonly now: number;
  readonly random: Random;
}

/** Tries again after `waitMs`, or not, and says why where the caller can do something about it. */
export type Decision = { readonly waitMs: number } | { readonly stop: string | undefined };

const stop: Decision = { stop: undefined };
const atOnce: Decision = { waitMs: 0 };

/**
 * The order of the questions: is it wanted, may it run again, may this request repeat anything, has it been tried enough, does
 * the budget allow it, and is there time. A try of which nothing left the process costs nobody anything: it is bounded by time alone.
 */
export function decide(given: Case): Decision {
  const { failure, outcome, attempt, retry, now } = given;
  if (attempt.cancelled !== undefined || now >= attempt.acceptBy) return stop;
  const allowed = effects[outcome].retry;
  if (allowed === "no" || (allowed === "idempotent" && !given.idempotent)) return stop;
  if (failure.retryAfterMs === "never") return stop;
  if (given.unsent) return unsent(given);
  if (attempt.once)
    return { stop: "not tried again: it is part of a request that is itself a repetition" };
  if (retry.triesMax <= given.counted)
    return retry.triesMax <= 1 ? stop : { stop: `tried ${given.counted} times, the most allowed` };
  const pushbackMs = failure.retryAfterMs ?? 0;
  const jitterMs = fullJitter(given.counted - 1, retry.backoff, given.random);
  // Who certainly did not run it is left for somebody else at once; the same one gets time to recover.
  const elsewhere = given.othersLeft && allowed === "yes";
  const waitMs = elsewhere ? 0 : Math.max(pushbackMs, jitterMs);
  if (now + waitMs + retry.attemptMinMs >= attempt.acceptBy) {
    const told = now + retry.attemptMinMs >= attempt.acceptBy;
    return told ? stop : { stop: "not tried again: its deadline leaves no time for it" };
  }
  if (!given.budget.tryWithdraw(now))
    return { stop: "not tried again: the retry budget of this service is used up" };
  return waitMs === 0 ? atOnce : { waitMs };
}

function unsent({ othersLeft, attempt, retry, rounds, startedAt, now, random }: Case): Decision {
  if (othersLeft) return atOnce;
  const waitMs = Math.max(1, fullJitter(rounds, retry.backoff, random));
  const until = Math.min(startedAt + retry.connectWaitMs, attempt.acceptBy);
  return now + waitMs < until ? { waitMs } : stop;
}
