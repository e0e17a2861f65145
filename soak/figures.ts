import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { realEnv } from "../src/base/real-env.ts";

/** What a process holds when it is at rest. */
export interface Figures {
  /** On V8's heap, after the garbage was collected, in bytes. */
  readonly heap: number;
  /** Buffers outside of it, in bytes. */
  readonly buffers: number;
  /** Resident, in bytes; of the whole process. */
  readonly rss: number;
  /** Open descriptors; 0 where the system does not tell. */
  readonly descriptors: number;
  /** What keeps the event loop alive: sockets, servers, timers. */
  readonly handles: number;
  /** Alarms on the timer wheel. */
  readonly alarms: number;
}

/** Needs `--expose-gc`. */
export async function figures(): Promise<Figures> {
  // What one collection finalises, the next one frees.
  for (let i = 0; i < 4; i++) {
    (globalThis as { gc?: () => void }).gc!();
    await sleep(5);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    heap: heapUsed,
    buffers: external,
    rss,
    descriptors: descriptors(),
    handles: process.getActiveResourcesInfo().length,
    alarms: realEnv().alarms,
  };
}

function descriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length - 1; // one is for reading them
  } catch {
    return 0;
  }
}
