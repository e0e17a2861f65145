import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";

/** Why a program is no use here; false: it works. */
export function unusable(...[program, ...args]: readonly [string, ...string[]]): string | false {
  const { status } = spawnSync(program, args, { stdio: "ignore" });
  return status === 0 ? false : `${program} is not here, or not allowed`;
}

/** The bound on the numbers of descriptors below which `free` are not in use. */
export function boundFor(pid: string, free: number): number {
  const used = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let bound = 0;
  for (let left = free; left > 0; bound++) if (!used.has(bound)) left--;
  return bound;
}

export function limit(pid: string, name: string, value: number): void {
  const { status } = spawnSync("prlimit", ["--pid", pid, `--${name}=${value}:${value}`]);
  equal(status, 0);
}

/** A cgroup whose processes may have so much memory together. */
export interface MemoryGroup extends Disposable {
  /** What begins in it. */
  readonly wrapped: readonly string[];
}

/** Why there is none. */
export function memoryGroup(bytes: number): MemoryGroup | string {
  try {
    // Of version 1: where those of version 2 have processes, nobody may make another below.
    const [, own] = /^\d+:memory:(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8")) ?? [];
    if (own === undefined) return "there is no memory cgroup of version 1";
    const path = `/sys/fs/cgroup/memory${own}/trunkline-${process.pid}`;
    mkdirSync(path);
    writeFileSync(`${path}/memory.limit_in_bytes`, String(bytes));
    return {
      wrapped: ["sh", "-c", `echo $$ > ${path}/cgroup.procs && exec "$0" "$@"`],
      [Symbol.dispose]: () => rmdirSync(path),
    };
  } catch (error) {
    return `no memory cgroup may be made: ${String(error)}`;
  }
}
