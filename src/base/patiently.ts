import { sleep } from "./alarm.ts";
import { backoff } from "./backoff.ts";
import type { Env } from "./env.ts";
import { isTrunklineError } from "./error.ts";

/** The longest pauses before the second try, and before all later ones. */
const pauses = { baseMs: 100, capMs: 1_000 };

/**
 * Does it again, with jittered pauses, while it is UNAVAILABLE and has not run, for `waitMs` at most; then its last failure is told. With
 * 0 it is done once.
 */
export async function patiently<T>(env: Env, waitMs: number, work: () => Promise<T>): Promise<T> {
  const until = env.now() + waitMs;
  for (let failures = 0; ; failures++) {
    try {
      return await work();
    } catch (error) {
      const passing = isTrunklineError(error) && error.code === "UNAVAILABLE";
      const pauseMs = backoff(failures, pauses, () => env.random());
      if (!passing || error.executed !== "no" || env.now() + pauseMs >= until) throw error;
      await sleep(env, pauseMs);
    }
  }
}
