import { isUtf8 } from "node:buffer";
import { malformed } from "./malformed.ts";

/** Reads what stands in borrowed memory, one value after the other. @throws INVALID_ARGUMENT past its end. */
export class ByteReader {
  memory: Buffer;
  at: number;
  end: number;

  constructor(memory: Buffer = Buffer.alloc(0), at: number = 0, end: number = memory.length) {
    this.memory = memory;
    this.at = at;
    this.end = end;
  }

  /** Looks at other memory from now on. */
  reset(memory: Buffer, at: number, end: number): this {
    this.memory = memory;
    this.at = at;
    this.end = end;
    return this;
  }

  /** Goes past so many bytes, and returns where they begin. */
  skip(bytes: number): number {
    const from = this.at;
    if (bytes > this.end - from) throw malformed("it ends within a value");
    this.at = from + bytes;
    return from;
  }

  octet(): number {
    return this.memory[this.skip(1)]!;
  }

  short(): number {
    const at = this.skip(2);
    return (this.memory[at]! << 8) | this.memory[at + 1]!;
  }

  long(): number {
    return this.memory.readUInt32BE(this.skip(4));
  }

  /** An unsigned number of 64 bits. Past 2^53 the nearest that a number can say: nobody counts so far. */
  longlong(): number {
    const at = this.skip(8);
    return this.memory.readUInt32BE(at) * 0x1_0000_0000 + this.memory.readUInt32BE(at + 4);
  }

  shortstr(): string {
    const length = this.octet();
    return this.text(this.skip(length), length);
  }

  /** The bytes of a long string, in the borrowed memory. */
  longstr(): Buffer {
    const length = this.long();
    const from = this.skip(length);
    return this.memory.subarray(from, from + length);
  }

  private text(from: number, length: number): string {
    const to = from + length;
    for (let at = from; at < to; at++)
      if (this.memory[at]! > 0x7f) {
        if (!isUtf8(this.memory.subarray(from, to))) throw malformed("a short string is not UTF-8");
        return this.memory.toString("utf8", from, to);
      }
    return this.memory.toString("latin1", from, to);
  }
}
