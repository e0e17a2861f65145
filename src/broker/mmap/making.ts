import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { makeFoldersSync } from "../../base/folders.ts";
import { secretBytes } from "../../base/secret.ts";
import type { Addon } from "../../os/addon.ts";
import { failedFile } from "./refusal.ts";
import { fileBytes, firstPages } from "./ring-file.ts";
import { Lock } from "./ring-words.ts";

/** Written at a time, in bytes. */
const zeros = Buffer.alloc(256 * 1024);

/**
 * Makes the file of a ring unless there is one; false: somebody else is making it right now. It is made under another name, `PATH.new`,
 * by whoever has that locked, and gets its own name when it is whole. Who dies meanwhile leaves the other name, with which the next one begins
 * anew.
 */
export function madeFile(os: Addon, path: string, ringBytes: number, start: number = 0): boolean {
  const hidden = `${path}.new`;
  let fd = -1;
  let begun = false;
  try {
    makeFoldersSync(dirname(path));
    fd = openSync(hidden, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    if (!os.byteLock(fd, Lock.making)) return false;
    // Between our opening it and having the lock it may have become the ring's file, which must not be touched.
    if (!isAt(hidden, fd)) return statSync(path, quiet) !== undefined;
    begun = true;
    if (statSync(path, quiet) === undefined) {
      fill(fd, ringBytes, start);
      renameSync(hidden, path);
    } else unlinkSync(hidden);
    return true;
  } catch (error) {
    // What was written of it so far may be what has filled the disk.
    if (begun) rmSync(hidden, { force: true });
    throw failedFile(path, error);
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

const quiet = { throwIfNoEntry: false } as const;

/** All of it is written, so that a full file system is an error now and no signal later. */
function fill(fd: number, ringBytes: number, start: number): void {
  ftruncateSync(fd, 0);
  const pages = firstPages(ringBytes, secretBytes(16), start);
  for (let at = pages.length; at < fileBytes(ringBytes); at += zeros.length)
    writeAll(fd, zeros.subarray(0, Math.min(zeros.length, fileBytes(ringBytes) - at)), at);
  writeAll(fd, pages, 0);
  fsyncSync(fd);
}

function writeAll(fd: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

function isAt(path: string, fd: number): boolean {
  const at = statSync(path, quiet);
  const own = fstatSync(fd);
  return at !== undefined && at.ino === own.ino && at.dev === own.dev;
}
