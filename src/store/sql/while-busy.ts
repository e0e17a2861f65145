import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { failureIn } from "./failures.ts";

/** Those who write to SQLite wait for each other that long and no longer, in milliseconds. */
export const writersWaitMs = 30_000;
/** Between looks whether another process has ended its transaction, in milliseconds: short at first. */
const looks = { firstMs: 1, longestMs: 25 };

/**
 * Does it again while another process, or another connection, writes to the file of SQLite; the event loop goes on meanwhile. SQLite's
 * own `busy_timeout` must be 0 for it: that would stop the loop, and with it perhaps the one who is waited for.
 */
export async function whileBusy<T>(env: Env, act: () => T | Promise<T>): Promise<T> {
  const until = env.now() + writersWaitMs;
  for (let pauseMs = looks.firstMs; ; pauseMs = Math.min(pauseMs * 2, looks.longestMs)) {
    try {
      return await act();
    } catch (error) {
      if (failureIn("sqlite", error) !== "conflict" || env.now() >= until) throw error;
    }
    await sleep(env, pauseMs);
  }
}
