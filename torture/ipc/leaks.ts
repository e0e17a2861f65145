import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { processMemory } from "../../src/transport/shm/process-memory.ts";

/** What a process holds of the system, by kind. */
export interface Holdings {
  readonly sockets: number;
  readonly bells: number;
  readonly memories: number;
  /** Parts of its address space that are shared memory of ours. */
  readonly maps: number;
  readonly namedMemory: number;
  /** What its connections are counted to have taken, in bytes. */
  readonly takenBytes: number;
}

/** What one collection frees may hold what the next one frees. */
const roundsOfCollecting = 10;

/** What this process holds, when all that nobody refers to is gone. */
export async function holdings(): Promise<Holdings> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let round = 0; round < roundsOfCollecting; round++) {
    collect();
    await turn();
  }
  const kinds = readdirSync("/proc/self/fd").map(targetOf);
  const count = (of: string): number => kinds.filter((kind) => kind.includes(of)).length;
  return {
    sockets: count("socket:"),
    bells: count("[eventfd]"),
    memories: count("memfd:trunkline"),
    maps: readFileSync("/proc/self/maps", "utf8").split("memfd:trunkline").length - 1,
    namedMemory: readdirSync("/dev/shm").filter((name) => name.includes("trunkline")).length,
    takenBytes: processMemory.bytes,
  };
}

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // that of the listing itself
  }
}

/** What there is more of than before, for people; undefined: of nothing. */
export function grownOf(before: Holdings, after: Holdings): string | undefined {
  const grown = (Object.keys(before) as (keyof Holdings)[]).filter(
    (kind) => after[kind] > before[kind],
  );
  if (grown.length === 0) return undefined;
  return grown.map((kind) => `${kind} ${before[kind]} → ${after[kind]}`).join(", ");
}
