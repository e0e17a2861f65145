import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { segmentNameOf, segmentStartOf } from "./names.ts";

/** One file of a log. The position of a line in its log is where its segment begins, and where the line begins in that. */
export interface Segment {
  readonly start: number;
  readonly path: string;
}

/** The segments of a log, the oldest first. Others' files in the folder are left alone. */
export async function segmentsOf(log: string): Promise<readonly Segment[]> {
  const segments: Segment[] = [];
  for (const name of await readdir(log)) {
    const start = segmentStartOf(name);
    if (start !== undefined) segments.push({ start, path: join(log, name) });
  }
  return segments.toSorted((one, other) => one.start - other.start);
}

export function segmentAt(log: string, start: number): Segment {
  return { start, path: join(log, segmentNameOf(start)) };
}

/** The one that a position is in, or ends; undefined: all begin later. */
export function segmentOf(segments: readonly Segment[], position: number): number | undefined {
  const at = segments.findLastIndex(({ start }) => start <= position);
  return at < 0 ? undefined : at;
}
