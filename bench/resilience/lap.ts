import { cpuUs } from "../usage.ts";

/** As many calls as are kept under way. */
export const inFlight = 64;

/** What one measurement gave, of one call. */
export interface Lap {
  readonly ns: number;
  readonly cpuNs: number;
}

/** Calls it for so long, as many at once; each answer is checked by the function itself. */
export async function lap(call: (i: number) => Promise<void>, seconds: number): Promise<Lap> {
  let count = 0;
  const cpuFrom = cpuUs();
  const from = performance.now();
  const until = from + seconds * 1_000;
  // The clock is looked at rarely, and not by a timer: calls without input and output let none ring.
  let over = false;
  const worker = async (): Promise<void> => {
    while (!over) {
      for (let i = 0; i < 16; i++) await call(count++);
      over = performance.now() >= until;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const tookMs = performance.now() - from;
  return { ns: (tookMs * 1e6) / count, cpuNs: ((cpuUs() - cpuFrom) * 1_000) / count };
}

/** Processor time of work that ends at once, in nanoseconds; `batch` of it between looks at the clock. */
export function lapOf(work: () => void, seconds: number, batch: number): number {
  let count = 0;
  const from = cpuUs();
  const until = performance.now() + seconds * 1_000;
  for (; performance.now() < until; count += batch) for (let i = 0; i < batch; i++) work();
  return ((cpuUs() - from) * 1_000) / count;
}
