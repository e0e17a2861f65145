import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Of one `fdatasync` of this disk after 4 KiB of a file were overwritten, in microseconds. */
export interface Sync {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Measures so many syncs of a file in the folder. */
export function syncOf(folder: string, count: number): Sync {
  const file = openSync(join(folder, "sync"), "w");
  const page = Buffer.alloc(4096, 1);
  // As in a log that is written again from its beginning: that its file grows is no part of it.
  writeSync(file, Buffer.alloc(count * page.length));
  fdatasyncSync(file);
  const times = Float64Array.from({ length: count }, (_, at) => {
    writeSync(file, page, 0, page.length, at * page.length);
    const from = performance.now();
    fdatasyncSync(file);
    return (performance.now() - from) * 1_000;
  }).toSorted();
  closeSync(file);
  const at = (share: number): number => times[Math.floor(share * (count - 1))]!;
  return { p50Us: at(0.5), p99Us: at(0.99) };
}
