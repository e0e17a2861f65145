import { sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";

const pauses = { baseMs: 100, capMs: 1_000 };

/**
 * Does it again while it is UNAVAILABLE, for `waitMs` at most: a server that comes up lets clients in before its durable queues are
 * there (`home node … is down or inaccessible`).
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
