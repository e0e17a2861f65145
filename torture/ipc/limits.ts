import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

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
