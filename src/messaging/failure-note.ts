import { isTrunklineError } from "../base/error.ts";
import { sha256 } from "../contract/sha256.ts";
import type { FailureNote } from "./work.ts";

/** Of a reason: it travels in headers, and is read in tables. */
const reasonCharsMax = 500;
const hashChars = 12;

/** A step of a channel has failed, with `cause`. */
export class StepFailure extends Error {
  readonly step: string;
  /** It has only looked at the message: it would fail again. */
  readonly certain: boolean;

  constructor(step: string, certain: boolean, cause: unknown) {
    super(`step ${step} failed`, { cause });
    this.step = step;
    this.certain = certain;
  }
}

/** What is kept of something that was thrown. */
export function noteOf(error: unknown): FailureNote {
  if (error instanceof StepFailure) {
    const note = noteOf(error.cause);
    return { ...note, why: "step", reason: clipped(`step ${error.step}: ${note.reason}`) };
  }
  if (isTrunklineError(error))
    return { why: "failed", code: error.code, reason: clipped(error.reason), ...stackOf(error) };
  if (error instanceof Error)
    return {
      why: "failed",
      code: error.name.slice(0, 100),
      reason: clipped(error.message),
      ...stackOf(error),
    };
  return { why: "failed", code: "thrown", reason: clipped(String(error)) };
}

function clipped(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= reasonCharsMax ? line : `${line.slice(0, reasonCharsMax - 1)}…`;
}

/** The frames alone: the message of an error may differ from one failure to the next. */
function stackOf({ stack }: Error): { readonly stackHash?: string } {
  const frames = stack
    ?.split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n");
  return frames ? { stackHash: sha256(frames).slice(0, hashChars) } : {};
}
