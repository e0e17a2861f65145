import { closeSync, fstatSync, openSync, type Stats } from "node:fs";
import { devNull } from "node:os";
import { isatty } from "node:tty";

import type { Address } from "../address.ts";
import { isTerminal, noPipe } from "./refusal.ts";

/** Node leaves these open when their streams are closed. */
const standardFdMax = 2;

/** Refuses a descriptor of this process that cannot carry frames. */
export function checkPipe(address: Address, fd: number): void {
  let file: Stats;
  try {
    file = fstatSync(fd);
  } catch (error) {
    throw noPipe(address, fd, "is not open", error);
  }
  if (file.isFIFO() || file.isSocket()) return;
  if (isatty(fd)) throw isTerminal(address, fd);
  throw noPipe(address, fd, `is ${file.isFile() ? "a file" : "a device"}`);
}

/**
 * What this process prints goes to stderr from now on: among the frames it would be garbage, and the peer would hang up
 * or wait for the end of a frame that is none.
 */
export function sparePrinting(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr);
}

/** Who has started us; another one has taken its place when that has ended since. */
export function parentPid(): number {
  return process.ppid;
}

/**
 * Closes a standard descriptor, so that the peer notices, and puts the null device in its place: the next file that is
 * opened must not become what somebody takes for stdin or stdout.
 */
export function letGo(fd: number): void {
  if (fd > standardFdMax) return;
  closeSync(fd);
  openSync(devNull, fd === 0 ? "r" : "w");
}
