import { constants } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { newline } from "./line.ts";
import { segmentNameOf, segmentStartOf } from "./names.ts";
import { openFile } from "./place.ts";

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

const chunkBytes = 64 * 1_024;

/** Where the last whole line of a segment ends: what is behind it, somebody is writing, or died writing. */
export async function endOf({ path, start }: Segment): Promise<number> {
  const [file, { size }] = await openFile(path, constants.O_RDONLY);
  try {
    const bytes = Buffer.allocUnsafe(chunkBytes);
    for (let end = size; end > 0; end -= chunkBytes) {
      const from = Math.max(0, end - chunkBytes);
      const { bytesRead } = await file.read(bytes, 0, end - from, from);
      const at = bytes.subarray(0, bytesRead).lastIndexOf(newline);
      if (at >= 0) return start + from + at + 1;
    }
    return start;
  } finally {
    await file.close();
  }
}
