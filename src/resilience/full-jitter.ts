import type { BackoffOptions } from "../base/backoff.ts";
import type { Random } from "../base/random.ts";

/**
 * Exponential back-off with full jitter: the wait before try `failures + 1`, in milliseconds, drawn between 0 and the ceiling. Of the
 * jitters that AWS compared it needs the fewest calls; for tries of calls, which go to somebody else or are bounded by a budget.
 */
export function fullJitter(
  failures: number,
  { baseMs, capMs }: BackoffOptions,
  random: Random,
): number {
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(failures, 30));
}
