import { readSync } from "node:fs";

import { mayBeKept } from "../base/given.ts";
import type { Addon } from "./addon.ts";
import { Allowance } from "./allowance.ts";
import { loanBytesMax, loanSeals } from "./loan.ts";

/** What is mapped of others at once. What comes beyond that is copied, as it is over other ways. */
const connectionBytesMax = 1024 ** 3;
const processBytesMax = 4 * 1024 ** 3;
const processLoansMax = 1_024;

/** Offsets of whole pages on every machine, in bytes. */
const pageBytes = 64 * 1024;

/** Of all connections: what is mapped, and nobody has let go of yet. */
const allBytes = new Allowance(processBytesMax);
const allLoans = new Allowance(processLoansMax);

const unmapped = new FinalizationRegistry<{ held: Allowance; bytes: number }>(({ held, bytes }) => {
  held.give(bytes);
  allBytes.give(bytes);
  allLoans.give(1);
});

/** The least that room is made for before it is needed; to map less costs little. */
const roomBytesMin = 2 * 1024 * 1024;

/**
 * Room for a loan as large as the last two were, for the next is likely to be as large, too: made between them, because V8 counts memory that
 * is mapped like its own, and may begin to collect garbage whenever some is. There is nothing in it, so it takes no memory.
 */
let room: ArrayBuffer | undefined;

/** Bytes that another process has lent: so many, from there on. */
export interface Borrowed {
  readonly fd: number;
  readonly offset: number;
  readonly bytes: number;
}

/** One connection's end that takes loans. */
export class Borrowing {
  readonly #os: Addon;
  readonly #press: (bytes: number) => void;
  readonly #held: Allowance;
  #last = { bytes: 0, ahead: 0, again: false };

  /** `bytesMax`: so many bytes are mapped by it at once. Default 1 GiB. */
  constructor(os: Addon, bytesMax: number = connectionBytesMax) {
    this.#os = os;
    this.#press = (bytes) => os.memoryPress(bytes);
    this.#held = new Allowance(bytesMax);
  }

  /** What is wrong with it; undefined: it can be read, and nobody can change it or take it away. */
  fault({ fd, offset, bytes }: Borrowed): string | undefined {
    const needed = loanSeals(this.#os);
    const has = this.#os.memorySeals(fd);
    if (has < 0 || (has & needed) !== needed) return "its memory is not sealed";
    if (!(bytes > 0 && bytes <= loanBytesMax && offset >= 0 && offset <= loanBytesMax))
      return `it has ${bytes} bytes`;
    const there = this.#os.memoryBytes(fd);
    if (offset + bytes > there) return `its memory has ${there} bytes, ${offset + bytes} were told`;
    return undefined;
  }

  /**
   * `head`, and behind it what was lent, in one piece: mapped, or copied where that is too much. Throws as the system does. The
   * descriptor stays the caller's.
   */
  take(borrowed: Borrowed, head: Uint8Array): Buffer {
    const { bytes } = borrowed;
    const held = this.#held;
    const fits = held.fits(bytes) && allBytes.fits(bytes) && allLoans.fits(1);
    const whole = fits ? this.#map(borrowed, head.length) : undefined;
    if (whole === undefined) return copied(borrowed, head);
    unmapped.register(whole.buffer, { held, bytes });
    held.take(bytes, this.#press);
    allBytes.take(bytes, this.#press);
    allLoans.take(1, this.#press);
    mayBeKept(whole.buffer);
    const from = whole.length - bytes - head.length;
    whole.set(head, from);
    return whole.subarray(from);
  }

  /** Whether `prepare` would do something. */
  get unprepared(): boolean {
    const { bytes, again } = this.#last;
    return again && bytes >= roomBytesMin && room?.byteLength !== bytes;
  }

  /** After what was taken has been seen to: makes room for another that is as large. */
  prepare(): void {
    if (!this.unprepared) return;
    if (room !== undefined) this.#os.memoryLetGo(room);
    room = undefined;
    try {
      room = this.#os.memoryRoom(this.#last.bytes, this.#last.ahead);
    } catch {
      // As many maps as the system allows: the next one finds none, and is copied.
    }
  }

  #map({ fd, offset, bytes }: Borrowed, headBytes: number): Buffer | undefined {
    const within = offset % pageBytes;
    const ahead = Math.ceil(headBytes / pageBytes) * pageBytes;
    const all = ahead + within + bytes;
    const ready = room?.byteLength === all ? room : undefined;
    this.#last = { bytes: all, ahead, again: all === this.#last.bytes };
    try {
      if (ready === undefined)
        return Buffer.from(this.#os.memoryCopy(fd, offset - within, within + bytes, ahead));
      room = undefined;
      this.#os.memoryMove(fd, offset - within, ready, ahead);
      return Buffer.from(ready);
    } catch {
      return undefined; // as many maps as the system allows
    }
  }
}

function copied({ fd, offset, bytes }: Borrowed, head: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafeSlow(head.length + bytes);
  whole.set(head);
  for (let at = 0; at < bytes;) {
    const count = readSync(fd, whole, head.length + at, bytes - at, offset + at);
    if (count === 0) throw new Error("the memory that was lent is shorter than it was");
    at += count;
  }
  return whole;
}
