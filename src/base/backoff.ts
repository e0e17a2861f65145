import type { Random } from "./random.ts";

export interface BackoffOptions {
  /** The longest first wait, in milliseconds. */
  readonly baseMs: number;
  /** The longest wait of all, in milliseconds. */
  readonly capMs: number;
}

/**
 * Exponential back-off with equal jitter (half fixed, half random): the wait before try `failures + 1`, in milliseconds.
 * Equal rather than full jitter, so that a failing endpoint is never hammered without a pause.
 */
export function backoff(failures: number, options: BackoffOptions, random: Random): number {
  const ceiling = Math.min(options.capMs, options.baseMs * 2 ** Math.min(failures, 30));
  return ceiling / 2 + (ceiling / 2) * random();
}
