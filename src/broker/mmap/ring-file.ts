import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Addon } from "../../os/addon.ts";
import { SharedWords, type Words } from "../../os/words.ts";
import { failedFile, unfit } from "./refusal.ts";
import { Records } from "./records.ts";
import type { Lock } from "./ring-words.ts";

/* The file: a page with its header, which is written once, a page of words, the ring. */

const magic = 0x544b_4c4d; // "TKLM"
const layout = 1;
const endianness = 0x0102_0304;
const wordsAt = 4_096;
const ringAt = 8_192;
const idBytes = 16;
/** Four words, the id, the check sum. */
const headerBytes = 36;

/** The smallest and largest ring, in bytes; both are powers of two. */
export const ringBytesLeast: number = 4_096;
export const ringBytesMost: number = 256 * 1024 * 1024;

/** Whether a ring can have so many bytes: a power of two, within bounds. */
export function isRingSize(bytes: number): boolean {
  return (
    Number.isInteger(bytes) &&
    bytes >= ringBytesLeast &&
    bytes <= ringBytesMost &&
    (bytes & (bytes - 1)) === 0
  );
}

export function fileBytes(ringBytes: number): number {
  return ringAt + ringBytes;
}

/** What a new file begins with, words of the ring included: positions may begin anywhere, which tests use. */
export function firstPages(ringBytes: number, id: Uint8Array, start: number): Buffer {
  const pages = Buffer.alloc(ringAt);
  new Uint32Array(pages.buffer, pages.byteOffset, 4).set([magic, layout, endianness, ringBytes]);
  pages.set(id, 16);
  const sum = crc32(pages.subarray(0, 16 + idBytes));
  new Uint32Array(pages.buffer, pages.byteOffset + 16 + idBytes, 1)[0] = sum;
  // Tail and head.
  new Uint32Array(pages.buffer, pages.byteOffset + wordsAt, 33).set([start], 0);
  new Uint32Array(pages.buffer, pages.byteOffset + wordsAt, 33).set([start], 32);
  return pages;
}

/** A ring's file, open and mapped. */
export class RingFile {
  readonly path: string;
  readonly fd: number;
  readonly ringBytes: number;
  readonly words: Words;
  readonly records: Records;
  readonly #os: Addon;
  readonly #memory: ArrayBuffer;

  /**
   * Opens what is there; undefined: there is nothing.
   *
   * @throws TrunklineError INVALID_ARGUMENT for what is no ring's file, PERMISSION_DENIED for one of somebody else.
   */
  static open(os: Addon, path: string): RingFile | undefined {
    let fd: number;
    try {
      // Not to wait where somebody has put a pipe.
      fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw failedFile(path, error);
    }
    try {
      const { ringBytes, id } = checkedHeader(fd, path);
      return new RingFile(os, path, fd, ringBytes, id);
    } catch (error) {
      closeSync(fd);
      throw failedFile(path, error);
    }
  }

  private constructor(os: Addon, path: string, fd: number, ringBytes: number, id: Uint8Array) {
    this.#os = os;
    this.path = path;
    this.fd = fd;
    this.ringBytes = ringBytes;
    this.#memory = os.memoryMap(fd, 0, fileBytes(ringBytes), true);
    this.words = new SharedWords(this.#memory, wordsAt);
    this.records = new Records(Buffer.from(this.#memory, ringAt, ringBytes), id);
  }

  /**
   * False: it was removed, or somebody has changed its size, and nothing of it may be looked at. Asked before each use: whoever looks at
   * what is not there any more is ended by SIGBUS.
   */
  get whole(): boolean {
    const { size, nlink } = fstatSync(this.fd);
    return nlink > 0 && size === fileBytes(this.ringBytes);
  }

  /** False: somebody has it. The system lets go of it when its process ends, however that is. */
  lock(which: (typeof Lock)[keyof typeof Lock]): boolean {
    return this.#os.byteLock(this.fd, which);
  }

  unlock(which: (typeof Lock)[keyof typeof Lock]): void {
    this.#os.byteUnlock(this.fd, which);
  }

  close(): void {
    this.#os.memoryTakeBack(this.#memory); // at once: as long as it is mapped, its locks are held
    closeSync(this.fd);
  }
}

/** Reads what the file says of itself, and believes none of it before all of it fits. */
function checkedHeader(
  fd: number,
  path: string,
): { readonly ringBytes: number; readonly id: Uint8Array } {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw unfit(path, "is no file", "give another path");
  const owner = statSync("/proc/self").uid;
  if (stat.uid !== owner || (stat.mode & 0o022) !== 0)
    throw unfit(
      path,
      `may be written by others (it belongs to user ${stat.uid}, its mode is ${(stat.mode & 0o777).toString(8)})`,
      "let all who use it be the same user, and its mode 600: whoever may write to it may end these processes",
    );
  const header = Buffer.alloc(headerBytes);
  const count = readSync(fd, header, 0, headerBytes, 0);
  const [said, version, order, ringBytes = 0] = new Uint32Array(header.buffer, 0, 4);
  if (count < headerBytes || said !== magic || order !== endianness)
    throw unfit(path, "holds something else than a ring", "give another path");
  if (version !== layout)
    throw unfit(
      path,
      `is laid out as of version ${version}, and this process knows ${layout}`,
      "let all who use it have the same version, or empty it with the older one and remove it",
    );
  const sum = new Uint32Array(header.buffer, 32, 1)[0];
  if (sum !== crc32(header.subarray(0, 32)))
    throw unfit(path, "has a header that was damaged", "remove it: what was in it is lost");
  if (!isRingSize(ringBytes) || stat.size !== fileBytes(ringBytes))
    throw unfit(
      path,
      `has ${stat.size} bytes, which is not the size of its ring`,
      "remove it: somebody has shortened it, and what was in it is lost",
    );
  return { ringBytes, id: header.subarray(16, 32) };
}
