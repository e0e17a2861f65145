import { execFile } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, type BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { getSystemErrorName, promisify } from "node:util";

import { addon } from "../../os/addon.ts";
import type { LocalFile } from "../unix/local-file.ts";

/** Only the owner reads and writes. */
const ownerOnly = 0o600;

/** To open a pipe never waits for its other end. */
const access: Readonly<Record<"read" | "write" | "both", number>> = {
  read: constants.O_RDONLY | constants.O_NONBLOCK,
  write: constants.O_WRONLY | constants.O_NONBLOCK,
  /** Linux and macOS allow it; who does so reads no end when the last writer has gone. */
  both: constants.O_RDWR | constants.O_NONBLOCK,
};

/** Makes a pipe with a name, by the addon, or by mkfifo(1) where there is none. Rejects with the error of the system: EEXIST when there is something. */
export async function makePipe(path: string): Promise<void> {
  const native = addon();
  if (native !== undefined) {
    const failed = native.fifoCreate(path, ownerOnly);
    if (failed !== 0) throw errorOf(getSystemErrorName(failed), `mkfifo ${path}`);
    return;
  }
  try {
    await promisify(execFile)("mkfifo", ["-m", ownerOnly.toString(8), "--", path]);
  } catch (error) {
    // The command says it only in words.
    if ((await lstat(path).catch(() => undefined)) === undefined) throw error;
    throw errorOf("EEXIST", `mkfifo ${path}`);
  }
}

/** Opens a pipe by its name; anything else under that name is refused with ENXIO, as a pipe is that nobody reads. */
export function openPipe(path: string, how: keyof typeof access): number {
  const fd = openSync(path, access[how]);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw errorOf("ENXIO", `open ${path}`);
}

/** Whether anybody could read what is written to the pipe behind `fd`. Where the system does not tell: true. */
export function hasReader(fd: number): boolean {
  try {
    closeSync(openSync(`/proc/self/fd/${fd}`, access.write));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENXIO";
  }
}

/** What stands at an address: to open a pipe for writing tells whether somebody reads it. */
export const pipeFile: LocalFile = {
  noun: "pipe",
  is: (file: BigIntStats) => file.isFIFO(),
  probe: async (path) => {
    try {
      closeSync(openPipe(path, "write"));
      return "alive";
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENXIO") return "dead";
      if (code === "ENOENT") return "gone";
      if (code === "EACCES" || code === "EPERM") return "denied";
      throw error;
    }
  },
};

function errorOf(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
