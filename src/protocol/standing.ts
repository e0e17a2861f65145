import { systemError, type SystemError } from "../base/error.ts";
import type { Attempt } from "./attempt.ts";
import type { Incoming } from "./incoming.ts";

/** The longest name of a lane, in characters: `A` to `Z`, `a` to `z`, digits, `.`, `_` and `-`. */
const laneCharsMax = 64;

/** More tries than this are told as this many. */
export const triesMax = 255;

const lanes: RegExp = new RegExp(`^[A-Za-z0-9._-]{1,${laneCharsMax}}$`);

/** True for what can be the name of a lane. */
export function isLane(text: string): boolean {
  return lanes.test(text);
}

/** Throws INVALID_ARGUMENT for what cannot be the name of a lane; undefined is the main one. */
export function checkLane(lane: string | undefined): void {
  if (lane === undefined || isLane(lane)) return;
  const told = JSON.stringify(lane.slice(0, laneCharsMax));
  const reason = `a lane has 1 to ${laneCharsMax} letters, digits, dots, underscores or hyphens, not ${told}`;
  throw systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}

/** What the server hears of an attempt that repeats an earlier one, or belongs to a request that does; undefined: neither. */
export function toldTries({ tries, once }: Attempt): number | undefined {
  return tries > 0 || once ? Math.min(triesMax, tries) : undefined;
}

/** Takes in what the caller told of its tries: 0 where only the request that it belongs to is a repetition. */
export function hearTries(incoming: Incoming, told: number): void {
  incoming.tries = told;
  incoming.once = true;
}

/** Why a process refuses what only another one may run: its predecessor, whose memory of the request it has not. */
export function wrongBoot(): SystemError {
  const reason = "the process that was asked first is gone, and only it may answer a repetition";
  return systemError("UNAVAILABLE", reason, {
    executed: "no",
    retryAfterMs: "never",
    advice: "it may have run there: find out before you ask anew",
  });
}
