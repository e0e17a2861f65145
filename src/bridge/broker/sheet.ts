import { systemError } from "../../base/error.ts";
import { gatheredBytesMax, gatheredMax } from "./bounds.ts";

/** One thing that is said: plain data, and bytes that belong to it. */
export interface Said {
  readonly what: unknown;
  readonly data: readonly Uint8Array[];
}

/** The same, ready to be written. */
export interface Line {
  readonly text: string;
  readonly data: readonly Uint8Array[];
  /** What it takes, in bytes, or more: reckoned without looking at each letter. */
  readonly bytes: number;
}

/** Bytes before the text of a sheet: its length. */
const prefixBytes = 4;

/** A UTF-16 unit has at most so many bytes in UTF-8. */
const unitBytesMax = 3;

export function line(what: unknown, data: readonly Uint8Array[] = []): Line {
  const lengths = data.map(({ byteLength }) => byteLength);
  const text = JSON.stringify([what, ...lengths]);
  const dataBytes = lengths.reduce((sum, each) => sum + each, 0);
  return { text, data, bytes: text.length * unitBytesMax + dataBytes };
}

/** What a sheet of this line alone would have, in bytes. */
export function alone({ text, data }: Line): number {
  const dataBytes = data.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return prefixBytes + Buffer.byteLength(text) + "[]".length + dataBytes;
}

/** How many of the lines, from the first one on, go together: one at least, when there is one. */
export function together(lines: readonly Line[]): number {
  let bytes = 0;
  let count = 0;
  for (const each of lines) {
    bytes += each.bytes;
    if (count > 0 && (bytes > gatheredBytesMax || count === gatheredMax)) break;
    count++;
  }
  return count;
}

/** Writes lines: the length of their text as 32 bits, big end first; the text as JSON; then all data. */
export function writeSheet(lines: readonly Line[]): Uint8Array {
  const text = Buffer.from(`[${lines.map((each) => each.text).join(",")}]`);
  const prefix = Buffer.allocUnsafe(prefixBytes);
  prefix.writeUInt32BE(text.byteLength);
  return Buffer.concat([prefix, text, ...lines.flatMap(({ data }) => data)]);
}

/** Data is a copy: what is kept of it keeps no sheet. One line more than go together may say what they have in common. Throws INVALID_ARGUMENT for what is no sheet. */
export function readSheet(sheet: Uint8Array): readonly Said[] {
  const memory = Buffer.from(sheet.buffer, sheet.byteOffset, sheet.byteLength);
  if (memory.byteLength < prefixBytes) throw noSheet("it is too short");
  let from = prefixBytes + memory.readUInt32BE();
  if (from > memory.byteLength) throw noSheet("it ends before its text does");
  const said = textOf(memory.toString("utf8", prefixBytes, from)).map(([what, ...lengths]) => ({
    what,
    data: lengths.map((length) => {
      if (!Number.isInteger(length) || (length as number) < 0) throw noSheet("a length is none");
      const to = from + (length as number);
      if (to > memory.byteLength) throw noSheet("it ends before its data does");
      const data = new Uint8Array(memory.subarray(from, to));
      from = to;
      return data;
    }),
  }));
  if (from !== memory.byteLength) throw noSheet("something follows its data");
  return said;
}

function textOf(text: string): readonly (readonly unknown[])[] {
  let lines: unknown;
  try {
    lines = JSON.parse(text);
  } catch {
    throw noSheet("its text is not JSON");
  }
  if (!Array.isArray(lines) || lines.length > gatheredMax + 1 || !lines.every(Array.isArray))
    throw noSheet("its text is of another form");
  return lines as unknown[][];
}

function noSheet(why: string): Error {
  return systemError("INVALID_ARGUMENT", `this is not a sheet: ${why}`, { executed: "no" });
}
