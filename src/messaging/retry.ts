import { milliseconds, type Duration } from "../base/duration.ts";
import { isTrunklineError, systemError } from "../base/error.ts";
import { fullJitter } from "../resilience/full-jitter.ts";

/** What happens after a failure that may pass. */
export interface RetryTerms {
  /** Attempts that follow at once, or after some milliseconds. Default 3. */
  readonly soon?: number;
  /** Attempts after those, each after a pause that doubles, by full jitter. Default 8. */
  readonly later?: number;
  /** The pause before the first of the later ones, at most. Default 30 s: eight of them take up to about an hour. */
  readonly base?: Duration;
  /** The longest pause. Default 15 min. */
  readonly cap?: Duration;
  /** No further attempt begins when the first failure is as long ago as that. Default 2 h. */
  readonly maxAge?: Duration;
  /**
   * True for failures that no further attempt can mend. Default: errors that say INVALID_ARGUMENT, UNIMPLEMENTED, PERMISSION_DENIED or
   * UNAUTHENTICATED. A message that does not match its contract is never tried again.
   */
  readonly permanent?: (error: unknown) => boolean;
}

/** The same, resolved. */
export interface RetryPolicy {
  readonly soon: number;
  readonly later: number;
  readonly baseMs: number;
  readonly capMs: number;
  readonly maxAgeMs: number;
  readonly permanent: (error: unknown) => boolean;
}

const permanentCodes: ReadonlySet<string> = new Set([
  "INVALID_ARGUMENT",
  "UNIMPLEMENTED",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
]);

function isPermanent(error: unknown): boolean {
  return isTrunklineError(error) && !error.declared && permanentCodes.has(error.code);
}

/** Attempts are bounded: nobody waits for the ten-thousandth. */
const attemptsMax = 1_000;

/** A soon attempt comes after up to so many milliseconds: what failed by chance of timing gets another chance of timing. */
const soonMs = 20;

/** Reads the terms. @throws TrunklineError INVALID_ARGUMENT for what cannot be meant. */
export function retryPolicy(terms: RetryTerms | false = {}): RetryPolicy {
  if (terms === false)
    return { soon: 0, later: 0, baseMs: 0, capMs: 0, maxAgeMs: 0, permanent: () => true };
  const { soon = 3, later = 8, base = "30s", cap = "15m", maxAge = "2h" } = terms;
  for (const [name, count] of Object.entries({ soon, later })) {
    if (Number.isInteger(count) && count >= 0 && count <= attemptsMax) continue;
    throw systemError(
      "INVALID_ARGUMENT",
      `retry.${name} is a number of attempts from 0 to ${attemptsMax}, not ${count}`,
      { executed: "no" },
    );
  }
  return {
    soon,
    later,
    baseMs: milliseconds(base),
    capMs: milliseconds(cap),
    maxAgeMs: milliseconds(maxAge),
    permanent: terms.permanent ?? isPermanent,
  };
}

/**
 * How long to wait before the next attempt, in milliseconds; undefined: there is none. `failures` counts this one, `ageMs` is
 * since the first of them.
 */
export function pauseBefore(
  policy: RetryPolicy,
  failures: number,
  ageMs: number,
  random: () => number,
): number | undefined {
  if (ageMs > policy.maxAgeMs || failures > policy.soon + policy.later) return undefined;
  if (failures <= policy.soon) return random() * soonMs;
  return fullJitter(failures - policy.soon - 1, policy, random);
}
