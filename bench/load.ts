import type { Connected } from "./peer.ts";
import type { Job } from "./work.ts";

/** What one measurement gave; every answer in it was checked. */
export interface Measured {
  /** Calls answered, or items read. */
  readonly count: number;
  readonly seconds: number;
  /** Of one call, in microseconds; only where each was timed. */
  readonly p50Us?: number;
  readonly p99Us?: number;
}

const timesMax = 1_000_000;
const times = new Float64Array(timesMax);

/** Keeps as many calls in flight: the next one begins when one is answered. */
export async function load(
  to: Connected,
  jobs: readonly Job[],
  inFlight: number,
  seconds: number,
  timed: boolean = false,
): Promise<Measured> {
  let over = false;
  let next = 0;
  let count = 0;
  const one = async (): Promise<void> => {
    while (!over) {
      const job = jobs[next++ % jobs.length]!;
      const before = timed ? performance.now() : 0;
      if (!to.isRight(job, await to.call(job))) throw new Error("a wrong answer");
      if (timed && count < timesMax) times[count] = performance.now() - before;
      count++;
    }
  };
  const from = performance.now();
  setTimeout(() => (over = true), seconds * 1000);
  await Promise.all(Array.from({ length: inFlight }, one));
  const measured = { count, seconds: (performance.now() - from) / 1000 };
  return timed ? { ...measured, ...percentiles(Math.min(count, timesMax)) } : measured;
}

/** Sends blocks and gets them back, as many at once. */
export async function loadBlocks(
  to: Connected,
  mebibytes: number,
  inFlight: number,
  seconds: number,
): Promise<Measured> {
  const block = Buffer.alloc(mebibytes * 1024 * 1024, 7);
  let over = false;
  let count = 0;
  const one = async (): Promise<void> => {
    while (!over) {
      const before = performance.now();
      if (!block.equals(await to.echo!(block))) throw new Error("a wrong answer");
      times[count++] = performance.now() - before;
    }
  };
  const from = performance.now();
  setTimeout(() => (over = true), seconds * 1000);
  await Promise.all(Array.from({ length: inFlight }, one));
  return { count, seconds: (performance.now() - from) / 1000, ...percentiles(count) };
}

/** One call after the other, each timed. */
export async function latencies(
  to: Connected,
  jobs: readonly Job[],
  seconds: number,
): Promise<Measured> {
  const from = performance.now();
  const until = from + seconds * 1000;
  let count = 0;
  let before = from;
  while (before < until && count < timesMax) {
    const job = jobs[count % jobs.length]!;
    if (!to.isRight(job, await to.call(job))) throw new Error("a wrong answer");
    const after = performance.now();
    times[count++] = after - before;
    before = after;
  }
  return { count, seconds: (before - from) / 1000, ...percentiles(count) };
}

/** Of the times that were taken last, in microseconds. */
function percentiles(count: number): { readonly p50Us: number; readonly p99Us: number } {
  const sorted = times.subarray(0, count).toSorted();
  const at = (share: number): number => sorted[Math.floor(share * (count - 1))]! * 1000;
  return { p50Us: at(0.5), p99Us: at(0.99) };
}
