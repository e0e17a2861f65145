import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { asItIs } from "../../call/served-context.ts";
import { noteOf } from "../failure-note.ts";
import type { Outcome } from "../work.ts";

/** The longest pause before a message is handled again for which the store was not there, in milliseconds: it is waited out here. */
const awayMs = 1_000;

const troubles = new WeakSet<object>();

/**
 * A failure of the store, and not of the handler. `begun`: the handler had begun, and what it wrote by `tx` was rolled back, unless nobody
 * knows.
 */
export function troubleOf(error: unknown, begun: boolean): TrunklineError {
  const known = isTrunklineError(error) ? error : undefined;
  const trouble = systemError(isAway(error) ? "UNAVAILABLE" : "INTERNAL", noteOf(error).reason, {
    executed: begun ? "maybe" : (known?.executed ?? "no"),
    gate: known?.gate,
    advice: known?.advice,
    cause: error,
  });
  troubles.add(trouble);
  return asItIs(trouble);
}

/** True for what `troubleOf` made. */
export function isTrouble(error: unknown): boolean {
  return typeof error === "object" && error !== null && troubles.has(error);
}

/** Whether the store says that it could not, now. */
export function isAway(error: unknown): error is TrunklineError {
  return isTrunklineError(error) && error.code === "UNAVAILABLE";
}

/** Two transactions were in each other's way, and neither is to blame. */
export function isConflict(error: TrunklineError): boolean {
  return isAway(error) && error.gate === "conflict";
}

/**
 * What is to become of a message that met trouble: it comes again. That the store is away is not its fault, however long it lasts;
 * that it conflicts each time is, and so is what the store does not take.
 */
export function outcomeOfTrouble(error: TrunklineError, env: Env): Outcome {
  const failure = noteOf(error);
  if (!isAway(error) || isConflict(error)) return { kind: "retry", failure };
  const afterMs = (awayMs / 2) * (1 + env.random());
  return { kind: "retry", afterMs, blameless: true, failure };
}
