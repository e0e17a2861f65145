import { milliseconds, type Duration } from "../../base/duration.ts";
import { isTrunklineError } from "../../base/error.ts";
import { boundedWhole } from "../bounded.ts";
import { fullJitter } from "../full-jitter.ts";
import { effects } from "../outcome.ts";
import type { RetryBudgetOptions } from "../retry-budget.ts";
import { pause, type Scope } from "./scope.ts";
import type { Inner, Place, Stage } from "./stage.ts";

export interface RetryStageOptions {
  /** It may run twice. Default false: tried again only when it certainly did not run. */
  readonly idempotent?: boolean;
  /** All tries together, 1 to 100. Default 3. */
  readonly triesMax?: number;
  /** The longest first wait; it doubles, and is drawn between 0 and that (full jitter). Default 25 ms. */
  readonly base?: Duration;
  /** The longest wait of all. Default 250 ms. */
  readonly cap?: Duration;
  /** How many more calls there may be because of retries and hedges together. */
  readonly budget?: RetryBudgetOptions;
}

/** No try begins with less time than this, in milliseconds. */
const attemptMinMs = 2;

/**
 * Tries again what failed in a way that may pass, after a wait with jitter and within a budget. What a gate of this composition refused is
 * not tried again: there is nobody else to ask.
 */
export function retry(options: RetryStageOptions = {}): Stage {
  const { idempotent = false, budget } = options;
  const triesMax = boundedWhole("retry triesMax", options.triesMax ?? 3, 1, 100);
  const waits = {
    baseMs: milliseconds(options.base ?? 25),
    capMs: milliseconds(options.cap ?? 250),
  };
  return {
    name: "retry",
    budget,
    build: (place) => ({
      wrap: (inner) => (input, scope, hold) =>
        tryAgain(place, inner, input, scope, hold, { idempotent, triesMax, waits }),
      state: (now) => ({ budget: place.budget.balance(now) }),
    }),
  };
}

interface RetryTerms {
  readonly idempotent: boolean;
  readonly triesMax: number;
  readonly waits: { readonly baseMs: number; readonly capMs: number };
}

async function tryAgain(
  place: Place,
  inner: Inner,
  input: unknown,
  scope: Scope,
  hold: Parameters<Inner>[2],
  terms: RetryTerms,
): Promise<unknown> {
  const { env, budget } = place;
  for (let tries = 1; ; tries++) {
    const part = tries === 1 ? scope : scope.part(scope.deadlineAt, tries);
    try {
      const answer = await inner(input, part, hold);
      budget.deposit(env.now());
      return answer;
    } catch (failure) {
      const waitMs = waitBefore(failure, tries, scope, place, terms);
      if (waitMs === undefined) throw failure;
      if (waitMs > 0) await pause(scope, env.now() + waitMs);
    } finally {
      if (part !== scope) part.close();
    }
  }
}

/** How long to wait before the next try; undefined when there is none. */
function waitBefore(
  failure: unknown,
  tries: number,
  scope: Scope,
  { env, budget, outcomeOf }: Place,
  { idempotent, triesMax, waits }: RetryTerms,
): number | undefined {
  const now = env.now();
  const outcome = outcomeOf(failure);
  const { retry: allowed, deposits } = effects[outcome];
  if (deposits) budget.deposit(now);
  if (scope.failure !== undefined || tries >= triesMax || outcome === "local") return undefined;
  if (allowed === "no" || (allowed === "idempotent" && !idempotent)) return undefined;
  const asked = isTrunklineError(failure) ? failure.retryAfterMs : undefined;
  if (asked === "never") return undefined;
  const waitMs = Math.max(asked ?? 0, fullJitter(tries - 1, waits, env.random));
  if (now + waitMs + attemptMinMs >= scope.deadlineAt) return undefined;
  return budget.tryWithdraw(now) ? waitMs : undefined;
}
