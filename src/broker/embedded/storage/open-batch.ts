import { bytesOf } from "../message.ts";
import type { Revision, Row } from "../storage.ts";
import { headBytesMax, writeHead } from "./head.ts";
import { chunkBytes, flag, noted } from "./noted.ts";

const numbersAtFirst = 4_096;
const bytesAtFirst = 262_144;
/** Memory of larger batches is not kept for later ones. */
const kept = 4 * 1_048_576;

/** Memory that batches are written in, again and again. */
export interface Sheets {
  numbers: ArrayBuffer;
  bytes: ArrayBuffer;
}

/** Marks of one batch. */
export interface Marks {
  at: number;
  forgetBefore: number;
  readonly halves: number[];
}

/** The batch that is being noted: two growing sheets of memory. What is noted costs no object. */
export class OpenBatch {
  numbers: Float64Array<ArrayBuffer>;
  bytes: Buffer<ArrayBuffer>;
  /** How much of `numbers` is used, and of `bytes`. */
  used = 0;
  filled = 0;
  /** Groups that do something. */
  live = 0;
  level: "os" | "disk" = "os";
  /** Bytes of messages that are to be written. */
  size = 0;
  marks: Marks | undefined;
  /** The place of the last group of removes, while others may join it; -1: there is none. */
  #removing = -1;

  constructor(sheets: Sheets | undefined) {
    this.numbers = new Float64Array(sheets?.numbers ?? new ArrayBuffer(8 * numbersAtFirst));
    this.bytes = Buffer.from(sheets?.bytes ?? new ArrayBuffer(bytesAtFirst));
  }

  /** Somebody waits for it. */
  awaited = false;

  /** There is nothing to write. */
  get empty(): boolean {
    return this.live === 0 && this.marks === undefined;
  }

  /** It was used, be it that all of it came to nothing: somebody may have its number. */
  get begun(): boolean {
    return this.used > 0 || this.marks !== undefined || this.awaited;
  }

  insert(row: Row): number {
    const { message } = row;
    const { body } = message;
    const { byteLength } = body;
    this.#makeRoom(headBytesMax(message) + byteLength);
    const offset = this.filled;
    const headEnd = writeHead(this.bytes, offset, message);
    this.bytes.set(body, headEnd);
    this.filled = headEnd + byteLength;
    const size = bytesOf(message);
    this.size += size;
    const flags =
      (message.persistent ? flag.persistent : 0) |
      (row.held ? flag.held : 0) |
      (row.transient ? flag.transient : 0);
    const place = this.#begin(noted.insert, row.lane, 11);
    const { numbers } = this;
    numbers[place + 2] = row.seq;
    numbers[place + 3] = flags;
    numbers[place + 4] = row.attempts;
    numbers[place + 5] = row.enqueuedAt;
    numbers[place + 6] = row.dueAt ?? Number.NaN;
    numbers[place + 7] = size;
    numbers[place + 8] = offset;
    numbers[place + 9] = headEnd - offset;
    numbers[place + 10] = byteLength;
    return place;
  }

  /** Takes back what an `insert` of this batch noted. Gives back its bytes. */
  takeBack(place: number): number {
    const size = this.numbers[place + 7] ?? 0;
    this.numbers[place] = noted.nothing;
    this.size -= size;
    this.live--;
    return size;
  }

  /** What is removed next was inserted in this batch: it must not join what was removed before that. */
  separate(): void {
    this.#removing = -1;
  }

  /** Messages that go in their order, as those of a queue do, share one group. */
  remove(lane: number, seq: number, size: number): void {
    const last = this.#removing;
    const small = size <= chunkBytes;
    if (
      last >= 0 &&
      small &&
      this.numbers[last + 1] === lane &&
      this.numbers[last + 3] === seq - 1
    ) {
      this.numbers[last + 3] = seq;
      this.numbers[last + 4]! += size;
      return;
    }
    const place = this.#begin(noted.remove, lane, 5);
    this.numbers[place + 2] = seq;
    this.numbers[place + 3] = seq;
    this.numbers[place + 4] = size;
    this.#removing = small ? place : -1;
  }

  revise(lane: number, seq: number, { attempts, dueAt, held }: Revision): void {
    const place = this.#begin(noted.revise, lane, 6);
    this.numbers[place + 2] = seq;
    this.numbers[place + 3] = attempts;
    this.numbers[place + 4] = dueAt ?? Number.NaN;
    this.numbers[place + 5] = held ? 1 : 0;
  }

  purge(lane: number, seq: number, held: boolean): void {
    this.#removing = -1;
    const place = this.#begin(noted.purge, lane, 4);
    this.numbers[place + 2] = seq;
    this.numbers[place + 3] = held ? 1 : 0;
  }

  /** Notes what concerns a lane up to a place of it. */
  upTo(code: 4 | 5 | 11, lane: number, seq: number): void {
    if (code === noted.trim) this.#removing = -1;
    const place = this.#begin(code, lane, 3);
    this.numbers[place + 2] = seq;
  }

  /** Notes what concerns a lane as a whole. */
  whole(code: 7 | 8, lane: number): void {
    this.#removing = -1;
    this.#begin(code, lane, 2);
  }

  /** Notes what is rare, as JSON. */
  text(code: 9 | 10, value: unknown): void {
    const text = JSON.stringify(value);
    this.#makeRoom(3 * text.length);
    const length = this.bytes.write(text, this.filled);
    const place = this.#begin(code, this.filled, 3);
    this.numbers[place + 2] = length;
    this.filled += length;
  }

  remember(at: number, halves: readonly number[], forgetBefore: number): void {
    this.marks ??= { at, forgetBefore, halves: [] };
    this.marks.at = Math.max(this.marks.at, at);
    this.marks.forgetBefore = Math.max(this.marks.forgetBefore, forgetBefore);
    for (const half of halves) this.marks.halves.push(half);
  }

  /** Its memory, when it is worth being used again. */
  static sheets(numbers: ArrayBuffer, bytes: ArrayBuffer): Sheets | undefined {
    return numbers.byteLength + bytes.byteLength > kept ? undefined : { numbers, bytes };
  }

  #begin(code: number, first: number, length: number): number {
    const place = this.used;
    this.used = place + length;
    if (this.used > this.numbers.length) {
      const grown = new Float64Array(2 * this.numbers.length);
      grown.set(this.numbers);
      this.numbers = grown;
    }
    this.numbers[place] = code;
    this.numbers[place + 1] = first;
    this.live++;
    return place;
  }

  #makeRoom(bytes: number): void {
    const wanted = this.filled + bytes;
    if (wanted <= this.bytes.byteLength) return;
    const grown = Buffer.from(new ArrayBuffer(Math.max(2 * this.bytes.byteLength, wanted)));
    grown.set(this.bytes.subarray(0, this.filled));
    this.bytes = grown;
  }
}
