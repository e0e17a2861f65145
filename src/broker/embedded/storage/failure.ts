import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import type { Failure } from "./messages.ts";

interface SqliteError {
  readonly errcode: number;
  readonly errstr: string;
}

const primary = 0xff;
const busy = 5;
const readOnly = 8;
const corrupt = 11;
const full = 13;
const cannotOpen = 14;
const notDatabase = 26;

/** What can be done with a damaged file. */
export const damagedAdvice =
  "Restore a copy, or see what `trunkline broker verify` and `trunkline broker repair` can do.";

/** Says of an error at the file what happened, where and what to do. */
export function failureOf(error: unknown, path: string): Failure {
  if (isTrunklineError(error)) {
    const { code, reason, advice } = error;
    return { code: code as Failure["code"], reason, advice };
  }
  const text = error instanceof Error ? error.message : String(error);
  const { errcode = 0, errstr = "" } = error as Partial<SqliteError>;
  const told = errstr === "" || errstr === text ? text : `${text} (${errstr})`;
  const at = `${path}: ${told}`;
  switch (errcode & primary) {
    case busy:
      return fail(
        "UNAVAILABLE",
        `${path} is open in another process.`,
        "End that one first, or ask it: `trunkline broker status` does.",
      );
    case readOnly:
      return fail("UNAVAILABLE", at, "Let this process write to the folder.");
    case corrupt:
    case notDatabase:
      return fail("DATA_LOSS", `${at}. The file was left as it is.`, damagedAdvice);
    case full:
      return fail("UNAVAILABLE", at, "Make room on the disk, and open it again.");
    case cannotOpen:
      return fail("UNAVAILABLE", at, "Look whether the folder is there, and whose it is.");
    default:
      return fail("UNAVAILABLE", at, "What was confirmed is found when it is opened again.");
  }
}

/** Makes an error of what another thread said. */
export function errorOf(
  { code, reason, advice }: Failure,
  executed: "no" | "maybe",
): TrunklineError {
  return systemError(code, reason, { executed, advice });
}

function fail(code: Failure["code"], reason: string, advice: string): Failure {
  return { code, reason, advice };
}
