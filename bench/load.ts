import type { Connected } from "./peer.ts";
import type { Job } from "./work.ts";

/** What one measurement gave; every answer in it was checked. */
export interface Measured {
  /** Calls answered, or items read. */
  readonly count: number;
  readonly seconds: number;
  /** Of one call, in microseconds; only with one in flight. */
  readonly p50Us?: number;
  readonly p99Us?: number;
}

/** Keeps as many calls in flight: the next one begins when one is answered. */
export async function load(
  to: Connected,
  jobs: readonly Job[],
  inFlight: number,
  seconds: number,
): Promise<Measured> {
  let over = false;
  let next = 0;
  let count = 0;
  const one = async (): Promise<void> => {
    while (!over) {
      const job = jobs[next++ % jobs.length]!;
      if (!to.isRight(job, await to.call(job))) throw new Error("a wrong answer");
      count++;
    }
  };
  const from = performance.now();
  setTimeout(() => (over = true), seconds * 1000);
  await Promise.all(Array.from({ length: inFlight }, one));
  return { count, seconds: (performance.now() - from) / 1000 };
}

const timesMax = 1_000_000;
const times = new Float64Array(timesMax);

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
  const sorted = times.subarray(0, count).toSorted();
  const at = (share: number): number => sorted[Math.floor(share * (count - 1))]! * 1000;
  return { count, seconds: (before - from) / 1000, p50Us: at(0.5), p99Us: at(0.99) };
}
