import { setTimeout as sleep } from "node:timers/promises";

/** Processor time that this process has used since it began, in microseconds, all its threads together. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Resident memory when what is garbage has been collected; needs `--expose-gc`. */
export async function residentBytes(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    (globalThis as { gc?: () => void }).gc!();
    await sleep(50);
  }
  return process.memoryUsage.rss();
}
