import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
  type Stats,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { isTrunklineError, systemError, type SystemError } from "../base/error.ts";
import { makeFoldersSync } from "../base/folders.ts";
import { secretBytes } from "../base/secret.ts";
import { addon, addonProblem, type Addon } from "../os/addon.ts";
import { SharedWords, type Words } from "../os/words.ts";
import type { Slots } from "./snapshot.ts";

/* The file of a table: a header, words, and two slots that begin with the length of what is in them. */

const magic = 0x544b_4c54; // "TKLT"
const layout = 1;
const endianness = 0x0102_0304;
const headerBytes = 24;
const wordsAt = 4_096;
const slotsAt = 8_192;
const lengthBytes = 8;

/** What the writer has decided once. */
export interface TableShape {
  readonly valueBytesMax: number;
  /** The id of the codec. */
  readonly codec: number;
}

/** A table's file, open and mapped. */
export interface TableFile {
  readonly fd: number;
  readonly shape: TableShape;
  readonly words: Words;
  readonly slots: Slots;
  close(): void;
}

/** The addon, without which there are no tables. */
export function tableAddon(): Addon {
  const os = addon();
  if (os !== undefined) return os;
  throw systemError("UNIMPLEMENTED", `there are no tables here: ${addonProblem()!}`, {
    executed: "no",
    advice:
      "let a service give the value, or keep it in a file that is replaced as a whole by renaming",
  });
}

/** Where a table is: a name is one of this user's in memory, whatever has a slash is a path. */
export function tablePath(place: string): string {
  if (place.includes("/")) return resolve(place);
  if (/^[A-Za-z0-9][\w.-]{0,99}$/.test(place))
    return join("/dev/shm", `trunkline-${ownUser()}-${place}.table`);
  throw refused(
    `${JSON.stringify(place)} is neither a name nor a path`,
    "give letters, digits, dots and dashes, or a path with a slash",
  );
}

/** Opens what is there, to read it or as its writer; undefined: there is nothing. */
export function openTableFile(os: Addon, path: string, writable: boolean): TableFile | undefined {
  let fd: number;
  try {
    const access = writable ? constants.O_RDWR : constants.O_RDONLY;
    // Not to wait where somebody has put a pipe.
    fd = openSync(path, access | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw failed(path, error);
  }
  try {
    return map(os, fd, shapeOf(fd, path), writable);
  } catch (error) {
    closeSync(fd);
    throw failed(path, error);
  }
}

/** Makes a file whole, with nothing in it, under a name of its own: `publish` puts it where it belongs. Its writer has it locked. */
export function createTableFile(
  os: Addon,
  path: string,
  shape: TableShape,
): TableFile & { readonly hidden: string } {
  const hidden = join(
    dirname(path),
    `.${basename(path)}.${Buffer.from(secretBytes(6)).toString("hex")}`,
  );
  let fd = -1;
  try {
    makeFoldersSync(dirname(path));
    fd = openSync(hidden, "wx+", 0o600);
    // All of it is written, so that a full file system is an error now and no signal later.
    const zeros = Buffer.alloc(64 * 1024);
    for (let left = fileBytes(shape); left > 0;)
      left -= writeSync(fd, zeros, 0, Math.min(left, zeros.length));
    const header = new Uint32Array([magic, layout, endianness, shape.valueBytesMax, shape.codec]);
    writeSync(fd, header, 0, header.byteLength, 0);
    os.fileLock(fd, true);
    return { ...map(os, fd, shape, true), hidden };
  } catch (error) {
    if (fd >= 0) {
      closeSync(fd);
      unlinkSync(hidden);
    }
    throw failed(path, error);
  }
}

/** Puts a new file where none is yet; false: there is one. */
export function publishTableFile(hidden: string, path: string): boolean {
  try {
    linkSync(hidden, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw failed(path, error);
  } finally {
    unlinkSync(hidden);
  }
}

/** Puts a new file in the place of another one, of which the caller is the writer. */
export function replaceTableFile(hidden: string, path: string): void {
  renameSync(hidden, path);
}

/** Whether the file at the path is this one. */
export function isAt(path: string, fd: number): boolean {
  const at = statSync(path, { throwIfNoEntry: false });
  const own = fstatSync(fd);
  return at !== undefined && at.ino === own.ino && at.dev === own.dev;
}

/** The largest value that may be asked for, in bytes: 64 MiB. */
export const valueBytesMost: number = 64 * 1024 * 1024;

function slotBytes({ valueBytesMax }: TableShape): number {
  return lengthBytes + Math.ceil(valueBytesMax / 128) * 128;
}

function fileBytes(shape: TableShape): number {
  return slotsAt + 2 * slotBytes(shape);
}

function shapeOf(fd: number, path: string): TableShape {
  const bytes = Buffer.alloc(headerBytes);
  const stat = fstatSync(fd);
  const count = stat.isFile() ? readSync(fd, bytes, 0, headerBytes, 0) : 0;
  const [said, version, order, valueBytesMax = 0, codec = 0] = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset,
    5,
  );
  const shape = { valueBytesMax, codec };
  if (count < headerBytes || said !== magic || order !== endianness)
    throw refused(`${path} holds something else than a table`, "give another path");
  refuseOthers(stat, path);
  if (version !== layout)
    throw refused(
      `${path} is laid out as of version ${version}, this process knows ${layout}`,
      "let both sides use the same version",
    );
  if (valueBytesMax < 1 || valueBytesMax > valueBytesMost || stat.size !== fileBytes(shape))
    throw refused(
      `${path} has ${stat.size} bytes, which is no table's size`,
      "remove it, and start its writer again",
    );
  return shape;
}

/** In /dev/shm everybody can make a file of any name. */
function refuseOthers({ uid, mode }: Stats, path: string): void {
  if (uid === ownUser() && (mode & 0o022) === 0) return;
  const reason = `the table at ${path} may be written by others (it belongs to user ${uid}, its mode is ${(mode & 0o777).toString(8)})`;
  throw systemError("PERMISSION_DENIED", reason, {
    executed: "no",
    advice:
      "let its writer and its readers be the same user, and its mode 600; remove it if another user has made it",
  });
}

/** Not by its entry in passwd: in a container there may be none. */
function ownUser(): number {
  return statSync("/proc/self").uid;
}

function map(os: Addon, fd: number, shape: TableShape, writable: boolean): TableFile {
  const memory = os.memoryMap(fd, 0, fileBytes(shape), writable);
  const bytes = slotBytes(shape);
  const slots = [0, 1].map((slot) => Buffer.from(memory, slotsAt + slot * bytes, bytes));
  return {
    fd,
    shape,
    words: new SharedWords(memory, wordsAt),
    slots: {
      write(slot, value) {
        slots[slot]!.writeUInt32LE(value.length, 0);
        slots[slot]!.set(value, lengthBytes);
      },
      read(slot) {
        // While it is written its length may be anything.
        const length = Math.min(slots[slot]!.readUInt32LE(0), shape.valueBytesMax);
        return Buffer.from(slots[slot]!.subarray(lengthBytes, lengthBytes + length));
      },
    },
    close() {
      os.memoryTakeBack(memory); // at once: as long as it is mapped, its writer has the lock
      closeSync(fd);
    },
  };
}

function refused(reason: string, advice: string): SystemError {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
}

function failed(path: string, cause: unknown): unknown {
  if (isTrunklineError(cause)) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const full =
    code === "ENOSPC" ||
    code === "EDQUOT" ||
    code === "EMFILE" ||
    code === "ENOMEM" ||
    code === "ENFILE";
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return systemError("PERMISSION_DENIED", `the table at ${path} may not be opened (${code})`, {
      executed: "no",
      advice: "the file is its writer's, with mode 0600: let processes of the same user open it",
      cause,
    });
  }
  if (full) {
    return systemError(
      "RESOURCE_EXHAUSTED",
      `there is no room for the table at ${path} (${code})`,
      {
        executed: "no",
        advice: "give a smaller valueBytesMax, or a folder on another file system",
        cause,
      },
    );
  }
  if (code === undefined) return cause;
  return systemError("INVALID_ARGUMENT", `there can be no table at ${path}: ${message}`, {
    executed: "no",
    advice: "give a path in a folder that is there or can be made, on a file system of this host",
    cause,
  });
}
