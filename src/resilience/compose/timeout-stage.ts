import { milliseconds, type Duration } from "../../base/duration.ts";
import type { Stage } from "./stage.ts";

/**
 * The longest that what it wraps may take, each time: under `retry()` each attempt, above it all of them. The signal aborts and the caller is
 * told at once; what ignores its signal goes on, and keeps its place in a bulkhead until it ends.
 */
export function timeout(duration: Duration): Stage {
  const timeoutMs = milliseconds(duration);
  return {
    name: "timeout",
    build: ({ env }) => ({
      wrap: (inner) => async (input, scope, hold) => {
        const part = scope.part(env.now() + timeoutMs);
        try {
          return await inner(input, part, hold);
        } finally {
          part.close();
        }
      },
    }),
  };
}
