import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { outcomeOf, type OutcomeKind } from "../outcome.ts";
import type { RetryBudget, RetryBudgetOptions } from "../retry-budget.ts";
import type { Hold, Scope } from "./scope.ts";

/** What a stage wraps: the next stage, or the function itself. */
export type Inner = (input: unknown, scope: Scope, hold: Hold | undefined) => Promise<unknown>;

/** What all stages of one composition share. */
export interface Place {
  readonly env: Env;
  /** One budget for retries and hedges. */
  readonly budget: RetryBudget;
  readonly outcomeOf: (failure: unknown) => OutcomeKind;
}

/** A stage with the state that it keeps for all functions of a composition. */
export interface BuiltStage {
  wrap(inner: Inner): Inner;
  /** What it has to tell people now. */
  state?(now: number): Readonly<Record<string, unknown>>;
}

/**
 * One way to survive. `Extra`: what it may answer that the function does not; `In`: the input that it can deal with.
 * Made by `retry()`, `breaker()` and the others.
 */
export interface Stage<Extra = never, In = unknown> {
  readonly name: string;
  /** Internal. */
  readonly budget?: RetryBudgetOptions | undefined;
  /** Internal. */
  build(place: Place): BuiltStage;
  /** Only for the compiler. */
  readonly extra?: () => Extra;
  /** Only for the compiler. */
  readonly takes?: (input: In) => void;
}

/** Codes of Node and undici with which nothing has reached anybody. */
const unreached: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Mistakes of a program: to run it again brings the same. */
const mistakes = [TypeError, ReferenceError, RangeError, SyntaxError, EvalError, URIError];

/**
 * What a failure of any function says of whatever it calls. Errors of Trunkline say it themselves; a mistake of the program says nothing
 * against anybody; a connection that could not be made did nothing; of all else nobody knows whether it ran.
 */
export function foreignOutcome(failure: unknown): OutcomeKind {
  if (isTrunklineError(failure)) return outcomeOf(failure);
  if (!(failure instanceof Error)) return "unknown";
  const { code, cause } = failure as Error & { code?: unknown };
  const inner = cause instanceof Error ? (cause as Error & { code?: unknown }).code : undefined;
  if (unreached.has(code) || unreached.has(inner)) return "unreachable";
  // `fetch` throws a TypeError for whatever goes wrong on the way; it says what in its cause.
  if (cause === undefined && mistakes.some((mistake) => failure instanceof mistake))
    return "appError";
  return "unknown";
}

/** A gate of this process has refused: the function was not called. */
export function refused(
  gate: string,
  reason: string,
  advice: string,
  retryAfterMs?: number,
): TrunklineError {
  const code = gate === "breaker" ? "UNAVAILABLE" : "RESOURCE_EXHAUSTED";
  return systemError(code, reason, { executed: "no", gate, advice, retryAfterMs });
}
