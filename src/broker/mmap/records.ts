import { crc32 } from "node:zlib";

/**
 * A record in the ring: the check sum, its state, its length and its position, 32 bits each as this host writes them, then its bytes. All
 * begin at a multiple of 16, so that their heads are never divided by the end of the ring; their bytes are. The sum is over everything
 * but itself and the state, and begins with the file's own id: what stands there of an earlier lap, or of another file, is no record.
 *
 * The state is the reader's: how often it was handed out, and whether it is settled although others before it are not.
 */
const headBytes = 16;
export const recordAlign = 16;
const settledBit = 0x8000_0000;
const handedMask = 0x7fff_ffff;

/** What is found where a record begins. */
export interface Found {
  readonly position: number;
  /** Where the next one begins. */
  readonly next: number;
  /** A copy. Of what is no record: the beginning of it. */
  readonly bytes: Buffer;
  /** How often it was handed out. */
  readonly handed: number;
  readonly settled: boolean;
  /** Why it is no record. */
  readonly broken?: string;
}

/** Of what is no record as much is shown, in bytes. */
const shownMax = 4_096;

/** How many times the ring's bytes are summed at most while the next record is looked for behind what is none. */
const lapsMax = 4;

/** How many bytes of the ring a record takes. */
export function recordBytes(length: number): number {
  return Math.ceil((headBytes + length) / recordAlign) * recordAlign;
}

/** The largest record of a ring, its head excluded: four go into it, so one that is not settled yet does not keep out the next. */
export function payloadBytesMax(ringBytes: number): number {
  return ringBytes / 4 - headBytes;
}

/** Reads and writes records. It knows places in the ring and not who may use them. */
export class Records {
  readonly size: number;
  readonly #ring: Buffer;
  readonly #words: Int32Array;
  readonly #seed: number;
  readonly #head: Buffer = Buffer.alloc(8);

  /** `ring`: as many bytes as a power of two. */
  constructor(ring: Buffer, id: Uint8Array) {
    this.size = ring.length;
    this.#ring = ring;
    this.#words = new Int32Array(ring.buffer, ring.byteOffset, ring.length / 4);
    this.#seed = crc32(id);
  }

  /** Writes what a record holds. Nobody takes it for one yet. */
  writeBytes(position: number, bytes: Uint8Array): void {
    const at = (position + headBytes) & (this.size - 1);
    const first = Math.min(bytes.length, this.size - at);
    this.#ring.set(first === bytes.length ? bytes : bytes.subarray(0, first), at);
    if (first < bytes.length) this.#ring.set(bytes.subarray(first), 0);
  }

  /** Writes what makes a record of it, which nobody looks at before the tail is behind it. */
  writeHead(position: number, bytes: Uint8Array): void {
    const at = (position & (this.size - 1)) / 4;
    this.#words[at] = this.#sumOf(position, bytes.length, bytes);
    this.#words[at + 1] = 0;
    this.#words[at + 2] = bytes.length;
    this.#words[at + 3] = position;
  }

  /** What begins at a position, which is before `end`. Whoever may write to the file may have written anything. */
  read(position: number, end: number): Found {
    const record = this.#record(position, end);
    if (record !== undefined) return record;
    const next = this.#nextRecord(position, end);
    const count = (next - position) >>> 0;
    return {
      position,
      next,
      bytes: this.#copy(position, Math.min(count, shownMax)),
      handed: 0,
      settled: false,
      broken: `${count} bytes of the ring are no message: somebody else wrote there, or the machine failed`,
    };
  }

  /** Writes down how often a record was handed out. */
  hand({ position, handed, broken }: Found): void {
    if (broken === undefined) this.#setState(position, Math.min(handed, handedMask));
  }

  /** Says that a record is settled before those in front of it. */
  settle({ position, handed, broken }: Found): void {
    if (broken === undefined) this.#setState(position, settledBit | handed);
  }

  #setState(position: number, state: number): void {
    Atomics.store(this.#words, (position & (this.size - 1)) / 4 + 1, state);
  }

  /** Undefined: there is none. */
  #record(position: number, end: number): Found | undefined {
    const at = (position & (this.size - 1)) / 4;
    const length = this.#words[at + 2]! >>> 0;
    if (this.#words[at + 3]! >>> 0 !== position || length > payloadBytesMax(this.size)) return;
    const taken = recordBytes(length);
    if (taken > (end - position) >>> 0) return;
    const bytes = this.#copy(position + headBytes, length);
    if (this.#words[at]! !== this.#sumOf(position, length, bytes)) return;
    const state = Atomics.load(this.#words, at + 1) >>> 0;
    return {
      position,
      next: (position + taken) >>> 0,
      bytes,
      handed: state & handedMask,
      settled: state >= settledBit,
    };
  }

  /** Where the next record begins, or `end`. */
  #nextRecord(position: number, end: number): number {
    let summed = 0;
    for (let at = (position + recordAlign) >>> 0; at !== end; at = (at + recordAlign) >>> 0) {
      const word = (at & (this.size - 1)) / 4;
      if (this.#words[word + 3]! >>> 0 !== at) continue;
      summed += this.#words[word + 2]! >>> 0;
      if (summed > lapsMax * this.size) return end;
      if (this.#record(at, end) !== undefined) return at;
    }
    return end;
  }

  #copy(position: number, count: number): Buffer {
    const at = position & (this.size - 1);
    const first = Math.min(count, this.size - at);
    const bytes = Buffer.allocUnsafe(count);
    this.#ring.copy(bytes, 0, at, at + first);
    if (first < count) this.#ring.copy(bytes, first, 0, count - first);
    return bytes;
  }

  #sumOf(position: number, length: number, bytes: Uint8Array): number {
    this.#head.writeUInt32LE(length, 0);
    this.#head.writeUInt32LE(position, 4);
    return crc32(bytes, crc32(this.#head, this.#seed)) | 0;
  }
}
