import { setTimeout as pause } from "node:timers/promises";

/** As long as the database or the broker may be away, in milliseconds. */
const withinMs = 30_000;

/** Starts what cannot start while its database or broker is away, as whoever looks after processes would: again and again. */
export async function untilStarted<T>(start: () => Promise<T>): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (performance.now() > until) throw error;
      await pause(200);
    }
  }
}
