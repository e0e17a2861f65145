import { Flag, FrameType } from "../wire/frame-type.ts";
import { headerBytes } from "../wire/limits.ts";
import { writeHeader } from "../wire/write.ts";

/*
 * A word that transports say to each other between the frames of their users: an EXT frame of RSocket on stream 0, which may be
 * ignored by whoever does not know it. Its type is "TKLM".
 */

const type = 0x544b_4c4d;
const flags = Flag.IGNORE;
/** The first byte of type and flags. */
const mark = ((FrameType.EXT << 10) | flags) >>> 8;
const typeBytes = 4;

/** The size of the frame of a word in ASCII. */
export function wordBytes(word: string): number {
  return headerBytes + typeBytes + word.length;
}

export function writeWord(memory: Buffer, at: number, word: string): number {
  const next = memory.writeInt32BE(type, writeHeader(memory, at, 0, FrameType.EXT, flags));
  return next + memory.write(word, next, "latin1");
}

/** The word in a frame; undefined: it is none. */
export function readWord(memory: Buffer, from: number, to: number): string | undefined {
  if (memory[from + 4] !== mark || to - from < headerBytes + typeBytes) return undefined;
  if (memory.readInt32BE(from) !== 0 || memory.readInt32BE(from + headerBytes) !== type)
    return undefined;
  return memory.toString("latin1", from + headerBytes + typeBytes, to);
}
