import { depthMax } from "../plain-value.ts";

/**
 * Looks at bytes before anything is made of them: throws unless they are exactly one value that JSON could carry, no
 * deeper than `depthMax`. Every item takes a byte at least, so a count that is not true ends at the last byte.
 */
export function checkPacked(memory: Buffer, from: number, to: number): void {
  const end = pastValue(memory, from, to, 0);
  if (end < to) throw new RangeError(`${to - end} bytes follow the value`);
}

/** Bytes behind the first one, by that one, for all that has a fixed length: from 0xca to 0xd3. */
const lengths: readonly number[] = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8];

/** Whole numbers beyond 53 bits have more than this in their upper word. */
const upperMax = 0x20_0000;

function pastValue(memory: Buffer, at: number, to: number, depth: number): number {
  if (at >= to) throw truncated();
  const head = memory[at]!;
  if (head < 0x80 || head >= 0xe0) return at + 1;
  if (head < 0x90) return pastFields(memory, at + 1, to, head & 0x0f, depth);
  if (head < 0xa0) return pastItems(memory, at + 1, to, head & 0x0f, depth);
  if (head < 0xc0) return within(at + 1 + (head & 0x1f), to);
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return at + 1;
    case 0xd9:
    case 0xda:
    case 0xdb: {
      const bytes = 1 << (head - 0xd9);
      return within(at + 1 + bytes + lengthAt(memory, at + 1, to, bytes), to);
    }
    case 0xdc:
    case 0xdd: {
      const bytes = head === 0xdc ? 2 : 4;
      return pastItems(memory, at + 1 + bytes, to, lengthAt(memory, at + 1, to, bytes), depth);
    }
    case 0xde:
    case 0xdf: {
      const bytes = head === 0xde ? 2 : 4;
      return pastFields(memory, at + 1 + bytes, to, lengthAt(memory, at + 1, to, bytes), depth);
    }
  }
  const length = lengths[head - 0xca];
  if (length === undefined) throw new TypeError(`type 0x${head.toString(16)} has no JSON form`);
  const end = within(at + 1 + length, to);
  checkNumber(memory, at, head);
  return end;
}

function checkNumber(memory: Buffer, at: number, head: number): void {
  let fits = true;
  if (head === 0xca) fits = Number.isFinite(memory.readFloatBE(at + 1));
  else if (head === 0xcb) fits = Number.isFinite(memory.readDoubleBE(at + 1));
  else if (head === 0xcf) fits = memory.readUInt32BE(at + 1) < upperMax;
  else if (head === 0xd3) fits = Math.abs(memory.readInt32BE(at + 1) + 0.5) < upperMax;
  if (!fits) throw new RangeError("a number is none, is infinite, or needs more than 53 bits");
}

function pastItems(memory: Buffer, at: number, to: number, count: number, depth: number): number {
  if (depth >= depthMax) throw tooDeep();
  let end = at;
  for (let left = count; left > 0; left--) end = pastValue(memory, end, to, depth + 1);
  return within(end, to);
}

function pastFields(memory: Buffer, at: number, to: number, count: number, depth: number): number {
  if (depth >= depthMax) throw tooDeep();
  let end = at;
  for (let left = count; left > 0; left--) {
    if (end >= to) throw truncated();
    const head = memory[end]!;
    const named = (head >= 0xa0 && head < 0xc0) || (head >= 0xd9 && head <= 0xdb);
    if (!named) throw new TypeError("the name of a field is not a text");
    end = pastValue(memory, pastValue(memory, end, to, depth), to, depth + 1);
  }
  return within(end, to);
}

function lengthAt(memory: Buffer, at: number, to: number, bytes: number): number {
  return memory.readUIntBE(at, within(at + bytes, to) - at);
}

function within(at: number, to: number): number {
  if (at > to) throw truncated();
  return at;
}

function truncated(): Error {
  return new RangeError("the value is not complete");
}

function tooDeep(): Error {
  return new RangeError(`the value is deeper than ${depthMax} levels`);
}
