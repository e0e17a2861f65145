import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Executed, SystemCode } from "../../base/outcome.ts";

/** What the system says of a file, as our codes have it, and what to do about it. */
const problems: Readonly<Record<string, readonly [code: SystemCode, advice: string]>> = {
  ENOSPC: ["RESOURCE_EXHAUSTED", "the disk is full: make room on it"],
  EDQUOT: ["RESOURCE_EXHAUSTED", "the user's quota of the disk is used up: raise it, or make room"],
  EFBIG: [
    "RESOURCE_EXHAUSTED",
    "the largest file that is allowed is smaller than a segment: raise it (ulimit -f), or write ?segmentBytes=… into the address",
  ],
  EMFILE: [
    "RESOURCE_EXHAUSTED",
    "this process has as many files open as it may: raise it (ulimit -n)",
  ],
  ENFILE: ["RESOURCE_EXHAUSTED", "the system has as many files open as it may"],
  EACCES: ["PERMISSION_DENIED", "name a folder that this user can write"],
  EPERM: ["PERMISSION_DENIED", "name a folder that this user can write"],
  EROFS: ["PERMISSION_DENIED", "its disk can only be read: mount it for writing"],
  ENOTDIR: ["INVALID_ARGUMENT", "a file is where a folder should be: name another folder"],
  EEXIST: ["INVALID_ARGUMENT", "a file is where a folder should be: name another folder"],
  ELOOP: [
    "PERMISSION_DENIED",
    "a link is where a file should be: links may lead to the folder, not in it",
  ],
};

export function codeOf(error: unknown): string | undefined {
  const { code } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  return code;
}

/** What went wrong with a file, in our words. */
export function fileError(error: unknown, path: string, executed: Executed): TrunklineError {
  if (isTrunklineError(error)) return error;
  const code = codeOf(error) ?? "";
  const [ours, advice] = Object.hasOwn(problems, code)
    ? problems[code]!
    : (["UNAVAILABLE", "see whether the folder is still there"] as const);
  const { message } = error instanceof Error ? error : { message: String(error) };
  return systemError(ours, message, { executed, endpoint: path, advice, cause: error });
}
