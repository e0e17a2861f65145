import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** What a process has used since it began. */
interface Used {
  /** Of the processor, all its threads together. */
  readonly cpuMs: number;
  /** That it caused to be written to the disk. */
  readonly writtenBytes: number;
}

/** What a process used while something ran; null where this system does not tell. */
export interface Cost {
  readonly cpuMs: number | null;
  readonly writtenBytes: number | null;
  /** Calls of `fsync` and `fdatasync`. Counted by `perf`, where that is installed and allowed. */
  readonly syncs: number | null;
}

/** The clock ticks of `/proc`, on every Linux that is in use. */
const tickMs = 10;
/** What a broker does later for what it confirmed, or deleted, belongs to it: until it rests, but so often at most. */
const restMs = 200;
const restsMax = 50;
/** One that rests uses no more of the processor in that time. */
const restingMs = 20;
const countingMs = 150;

/** What the process uses while `run` runs. */
export async function costOf<T>(
  pid: number,
  run: () => Promise<T>,
): Promise<{ readonly cost: Cost; readonly result: T }> {
  const counting = countSyncs(pid);
  await pause(countingMs);
  const before = usedBy(pid);
  const result = await run();
  const after = await rested(pid);
  const syncs = await counting();
  const less = (what: keyof Used): number | null =>
    before === undefined || after === undefined ? null : after[what] - before[what];
  return { result, cost: { cpuMs: less("cpuMs"), writtenBytes: less("writtenBytes"), syncs } };
}

async function rested(pid: number): Promise<Used | undefined> {
  let before = usedBy(pid);
  for (let rests = 0; rests < restsMax; rests++) {
    await pause(restMs);
    const after = usedBy(pid);
    if (before === undefined || after === undefined) return after;
    if (after.cpuMs - before.cpuMs <= restingMs) return after;
    before = after;
  }
  return before;
}

function usedBy(pid: number): Used | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may have blanks; user and system time are the 14th and 15th field.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const written = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"));
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
      writtenBytes: Number(written?.[1] ?? 0),
    };
  } catch {
    return undefined;
  }
}

/** Counts the syncs of a process, its threads among it, until it is called. */
function countSyncs(pid: number): () => Promise<number | null> {
  const calls = ["fsync", "fdatasync"].map((name) => `syscalls:sys_enter_${name}`);
  const perf = spawn("perf", ["stat", "-x,", "-e", calls.join(","), "-p", String(pid)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  perf.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const ended = once(perf, "close").catch(() => undefined);
  return async () => {
    perf.kill("SIGINT");
    await ended;
    const counts = [...text.matchAll(/^(\d+),,syscalls:/gm)].map(([, count]) => Number(count));
    return counts.length === calls.length ? counts.reduce((a, b) => a + b) : null;
  };
}
