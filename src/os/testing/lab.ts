// What the tests of the addon share: what the process has open, and other processes.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";

import { addon, addonProblem, type Addon } from "../addon.ts";

export const noAddon: string | false = addonProblem() ?? false;

/** Only for tests that are skipped where there is none. */
export const os: Addon = addon()!;

export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** How many maps there are of memory of the name "lab", after the event loop has unmapped what was let go of. */
export async function mapsOpen(): Promise<number> {
  for (let turns = 0; turns < 3; turns++) await turn();
  return readFileSync("/proc/self/maps", "utf8").split("memfd:lab").length - 1;
}

/** Until it holds. The event loop turns meanwhile; the test's time is the limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program that has the addon as `os` in a process of its own. Its stdin is a socket that blocks and gives nothing. */
export function program(text: string, options: ProgramOptions = {}): Promise<Ended> {
  const { fd3, flags = [], under = ":" } = options;
  const start = `import { addon } from ${JSON.stringify(import.meta.resolve("../addon.ts"))};
    const os = addon(); `;
  const node = [process.execPath, ...flags, "--input-type=module", "--eval"];
  const child = spawn("sh", ["-c", `${under}; exec "$0" "$@"`, ...node, start + text], {
    stdio: ["pipe", "pipe", "pipe", ...(fd3 === undefined ? [] : [fd3])],
  });
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (more: string) => (stdout += more));
  child.stderr!.setEncoding("utf8").on("data", (more: string) => (stderr += more));
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

interface ProgramOptions {
  /** What it gets as descriptor 3. */
  readonly fd3?: number;
  /** What the shell does before it. */
  readonly under?: string;
  readonly flags?: readonly string[];
}

/** The negative numbers of errors, as the addon gives them. */
export const errno = {
  EAGAIN: -11,
  EBADF: -9,
  ECONNREFUSED: -111,
  EEXIST: -17,
  EINVAL: -22,
  EMSGSIZE: -90,
  ENOENT: -2,
  ENOTCONN: -107,
  ENOTSOCK: -88,
  EPERM: -1,
  EPIPE: -32,
  ESRCH: -3,
} as const;
