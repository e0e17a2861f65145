import type { Finding } from "../../finding.ts";
import type { SqlRow, SqlValue } from "../driver.ts";

/** Runs one statement by itself. */
export type Query = (sql: string, values: readonly SqlValue[]) => Promise<readonly SqlRow[]>;

/** One look at something; `undefined`: there is nothing to say. */
export type Look = (query: Query) => Promise<Finding | readonly Finding[] | undefined>;

/** Looks one after the other. What this user may not see is said, and keeps no other look from being had. */
export async function examined(
  looks: Readonly<Record<string, Look>>,
  query: Query,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [about, look] of Object.entries(looks)) {
    try {
      findings.push(...[(await look(query)) ?? []].flat());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const advice = "ask as somebody who may see it";
      findings.push({ about, state: "warning", seen: `could not be looked at: ${why}`, advice });
    }
  }
  return findings;
}

/** `3 s`, `4 min`, `2 h`: how long something has lasted. */
export function lasting(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** `12 KiB`, `3 MiB` */
export function size(bytes: number): string {
  if (bytes < 1_024 * 1_024) return `${Math.ceil(bytes / 1_024)} KiB`;
  const mebibytes = bytes / 1_024 / 1_024;
  return mebibytes < 10_240
    ? `${Math.round(mebibytes)} MiB`
    : `${Math.round(mebibytes / 1_024)} GiB`;
}
