import { systemError } from "../base/error.ts";
import type { Attempt } from "./attempt.ts";
import type { Incoming } from "./incoming.ts";
import { checkLane, hearTries, toldTries, triesMax, wrongBoot } from "./standing.ts";

// How a request says over HTTP which lane it goes in, how often it was tried, and which process is meant.

/** The swim lane. Absent: the main one. */
export const laneHeader = "trunkline-lane";

/** How often it was tried before; 0: not at all, but it was made for a request that is a repetition. */
export const triesHeader = "trunkline-tries";

/** In a request: the one process, by its boot id, that may run it. In an answer: the boot id of who gave it. */
export const bootHeader = "trunkline-boot";

const nothing: readonly (readonly [name: string, value: string])[] = [];

/** The headers of an attempt; usual ones have none. */
export function standingHeaders(
  attempt: Attempt,
): readonly (readonly [name: string, value: string])[] {
  const { lane, onlyBoot } = attempt;
  const tries = toldTries(attempt);
  if (lane === undefined && tries === undefined && onlyBoot === undefined) return nothing;
  const headers: [string, string][] = [];
  if (lane !== undefined) headers.push([laneHeader, lane]);
  if (tries !== undefined) headers.push([triesHeader, String(tries)]);
  if (onlyBoot !== undefined) headers.push([bootHeader, onlyBoot]);
  return headers;
}

/**
 * Takes in what these headers say. Throws what the caller is to be told where they are malformed, or mean another process
 * than that of `bootId`.
 */
export function hearStanding(
  incoming: Incoming,
  lane: string | undefined,
  tries: string | undefined,
  onlyBoot: string | undefined,
  bootId: string,
): void {
  if (lane !== undefined) checkLane((incoming.lane = lane));
  if (tries !== undefined) hearTries(incoming, triesIn(tries));
  if (onlyBoot !== undefined && onlyBoot !== bootId) throw wrongBoot();
}

function triesIn(text: string): number {
  const tries = Number(text);
  if (/^\d{1,3}$/.test(text) && tries <= triesMax) return tries;
  const reason = `the header ${triesHeader} is a number from 0 to ${triesMax}`;
  throw systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
