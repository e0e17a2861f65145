import { isTrunklineError } from "../base/error.ts";
import { UsageError } from "./command.ts";

/** What the program ends with: scripts branch on it as callers do on `executed`. */
export const exitCodes = {
  ok: 0,
  /** The program itself failed, or its output could not be written. */
  failed: 1,
  /** The command line is wrong, or names what is not there: nothing was sent. Or standard input is: what had begun was cancelled. */
  usage: 2,
  /** The handler answered with an error that its contract declares. */
  declared: 3,
  /** The operation did not run: nobody listens, or it was refused. Safe to try again. */
  no: 4,
  /** It may have run: the connection broke, or the time was over. */
  maybe: 5,
  /** It ran, and failed in a way that its contract does not declare. */
  yes: 6,
  /** `health`: it does not serve. */
  notServing: 7,
  /** What was to be checked is not as it should be: `contract diff`, `contract lock --check`, `proto --check`, `lint`. */
  found: 8,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (!isTrunklineError(error)) return exitCodes.failed;
  return error.declared ? exitCodes.declared : exitCodes[error.executed];
}
