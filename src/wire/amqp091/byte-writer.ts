import { shortstrBytesMax } from "./limits.ts";
import { malformed } from "./malformed.ts";

const bytesAtFirst = 256;

/** As much of a text as a short string holds. */
export function shortened(text: string): string {
  if (Buffer.byteLength(text) <= shortstrBytesMax) return text;
  let cut = text.slice(0, shortstrBytesMax);
  while (Buffer.byteLength(cut) > shortstrBytesMax) cut = cut.slice(0, -1);
  return cut.toWellFormed();
}

/** Writes one value after the other into memory that grows. */
export class ByteWriter {
  memory: Buffer;
  /** Where the next value goes: so much is written. */
  at: number = 0;

  constructor(memory: Buffer = Buffer.allocUnsafe(bytesAtFirst)) {
    this.memory = memory;
  }

  /** Makes sure that so many bytes more have a place, and returns where they begin. They count as written. */
  claim(bytes: number): number {
    const from = this.at;
    const to = from + bytes;
    if (to > this.memory.length) {
      const larger = Buffer.allocUnsafe(Math.max(to, this.memory.length * 2));
      this.memory.copy(larger, 0, 0, from);
      this.memory = larger;
    }
    this.at = to;
    return from;
  }

  octet(value: number): void {
    const at = this.claim(1);
    this.memory[at] = value;
  }

  short(value: number): void {
    const at = this.claim(2);
    this.memory[at] = value >>> 8;
    this.memory[at + 1] = value;
  }

  long(value: number): void {
    const at = this.claim(4);
    this.memory.writeUInt32BE(value, at);
  }

  longlong(value: number): void {
    const at = this.claim(8);
    this.memory.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
    this.memory.writeUInt32BE(value % 0x1_0000_0000, at + 4);
  }

  shortstr(value: string): void {
    const lengthAt = this.claim(1);
    const bytes = this.text(value);
    if (bytes > shortstrBytesMax)
      throw malformed(`a short string of ${bytes} bytes, ${shortstrBytesMax} are allowed`);
    this.memory[lengthAt] = bytes;
  }

  longstr(value: string | Uint8Array): void {
    const lengthAt = this.claim(4);
    const bytes = typeof value === "string" ? this.text(value) : this.bytes(value);
    this.memory.writeUInt32BE(bytes, lengthAt);
  }

  /** Returns how many there were. */
  bytes(value: Uint8Array): number {
    const at = this.claim(value.length);
    this.memory.set(value, at);
    return value.length;
  }

  /** What is written, copied out of the memory, which may then be used again. */
  copied(): Buffer {
    const copy = Buffer.from(this.memory.subarray(0, this.at));
    this.at = 0;
    return copy;
  }

  /** Returns how many bytes they are in UTF-8. */
  private text(value: string): number {
    // No character takes more than three bytes for each unit of its text.
    const from = this.claim(value.length * 3);
    const bytes = this.memory.write(value, from);
    this.at = from + bytes;
    return bytes;
  }
}
