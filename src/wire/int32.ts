/*
 * The methods of Buffer check type and range of each number that they write, by calls that V8 does not inline: seven of
 * them cost as much as the rest of a frame. These check only that the memory is there, as any index does.
 */

/** Writes the low 32 bits of `value`, big end first; returns the offset behind them. */
export function writeInt32(memory: Buffer, at: number, value: number): number {
  if (at + 4 > memory.length) throw new RangeError("the frame is larger than its memory");
  memory[at] = value >>> 24;
  memory[at + 1] = value >>> 16;
  memory[at + 2] = value >>> 8;
  memory[at + 3] = value;
  return at + 4;
}

/** Writes the low 16 bits of `value`, big end first; returns the offset behind them. */
export function writeInt16(memory: Buffer, at: number, value: number): number {
  if (at + 2 > memory.length) throw new RangeError("the frame is larger than its memory");
  memory[at] = value >>> 8;
  memory[at + 1] = value;
  return at + 2;
}

/** Reads a signed number; the caller has made sure that four bytes are there. */
export function readInt32(memory: Buffer, at: number): number {
  return (memory[at]! << 24) | (memory[at + 1]! << 16) | (memory[at + 2]! << 8) | memory[at + 3]!;
}

/** Reads an unsigned number; the caller has made sure that two bytes are there. */
export function readUint16(memory: Buffer, at: number): number {
  return (memory[at]! << 8) | memory[at + 1]!;
}
