import { systemError } from "./error.ts";

/** Milliseconds as a number, or a number with its unit: `"200ms"`, `"5s"`, `"2m"`, `"1h"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h"}`;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** The duration in milliseconds. Refuses what is not a duration, and negative ones, with INVALID_ARGUMENT. */
export function milliseconds(duration: Duration): number {
  if (typeof duration === "number") {
    if (duration >= 0) return duration;
  } else {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(duration);
    if (match !== null) return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  }
  throw systemError("INVALID_ARGUMENT", `${JSON.stringify(duration)} is not a duration`, {
    executed: "no",
    advice: 'write milliseconds as a number, or a number with ms, s, m or h: "200ms"',
  });
}
