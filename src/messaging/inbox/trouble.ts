import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { asItIs } from "../../call/served-context.ts";
import { noteOf } from "../failure-note.ts";
import type { Outcome } from "../work.ts";

/** The longest pause before a message is handled again for which the store was not there, in milliseconds: it is waited out here. */
const awayMs = 1_000;

const troubles = new WeakSet<object>();

/** A failure of the store, and not of the handler. `begun`: the handler had begun, and what it wrote by `tx` was rolled back. */
export function troubleOf(error: TrunklineError, begun: boolean): TrunklineError {
  const trouble = systemError("UNAVAILABLE", error.reason, {
    executed: begun ? "maybe" : error.executed,
    gate: error.gate,
    cause: error,
  });
  troubles.add(trouble);
  return asItIs(trouble);
}

/** True for what `troubleOf` made. */
export function isTrouble(error: unknown): boolean {
  return typeof error === "object" && error !== null && troubles.has(error);
}

/** Whether an error that does not come from a handler says that the store could not, now. */
export function passes(error: unknown): error is TrunklineError {
  return isTrunklineError(error) && error.code === "UNAVAILABLE";
}

/**
 * What is to become of a message that met trouble: it comes again. That the store is away is not its fault, however long it lasts;
 * a conflict that does not end is.
 */
export function outcomeOfTrouble(error: TrunklineError, env: Env): Outcome {
  const failure = noteOf(error);
  if (error.gate === "conflict") return { kind: "retry", failure };
  const afterMs = (awayMs / 2) * (1 + env.random());
  return { kind: "retry", afterMs, blameless: true, failure };
}
