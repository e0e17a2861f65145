import { openSync, readFileSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Work } from "./peer.ts";

/** How long a handler takes: so that there is always something in hand when a process dies. */
const workMs = 20;
const ending = ".journal";

/** One call that a replica has begun to carry out. */
export interface Execution {
  readonly replica: string;
  /** Microseconds of the clock that all processes of this host share. */
  readonly atUs: number;
}

/** The clock that all processes of this host share, in microseconds; no setting of the time moves it. */
export function hostClockUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/**
 * The work of a replica. That it ran is in the file before anything else happens, and what the system has taken survives
 * the process: nothing that ran is ever missing.
 */
export function journaled(folder: string, replica: number): Work {
  const file = openSync(join(folder, `replica-${replica}${ending}`), "a");
  return async (id) => {
    writeSync(file, `${id} ${hostClockUs()}\n`);
    await sleep(workMs);
    return id;
  };
}

/** All that was carried out, by the id of the call. */
export function executions(folder: string): Map<string, Execution[]> {
  const all = new Map<string, Execution[]>();
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(ending)) continue;
    const replica = name.slice(0, -ending.length);
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      const [id, at] = line.split(" ");
      if (id === undefined || at === undefined) continue;
      const those = all.get(id) ?? [];
      those.push({ replica, atUs: Number(at) });
      all.set(id, those);
    }
  }
  return all;
}
