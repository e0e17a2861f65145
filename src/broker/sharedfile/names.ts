import { createHash } from "node:crypto";

/** File systems take names of up to 255 bytes; what we put behind one has room too. */
const fileNameCharsMax = 200;
const keptChars = 150;

/**
 * The name of a file or folder for any text: letters, digits, dashes, dots and underscores stand for themselves, all else is percent-encoded, a
 * dot at the beginning too. So nothing leads out of its folder, or hides. What is too long ends in a part of its SHA-256.
 */
export function fileNameOf(text: string): string {
  const name = text
    .replaceAll(/[^A-Za-z0-9._-]/gu, (each) =>
      [...Buffer.from(each)].map((byte) => `%${hex(byte)}`).join(""),
    )
    .replace(/^\./, "%2E");
  if (name !== "" && name.length <= fileNameCharsMax) return name;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 32);
  return `${name.slice(0, keptChars)}~${digest}`;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}

/** A log is named by its number: `0003`. */
export function logNameOf(log: number): string {
  return String(log).padStart(4, "0");
}

const segmentDigits = 16;
const segmentEnding = ".jsonl";

/** A segment is named by where it begins in its log: `0000000000016384.jsonl`. */
export function segmentNameOf(start: number): string {
  return String(start).padStart(segmentDigits, "0") + segmentEnding;
}

/** Where the segment of this name begins; undefined: it is none. */
export function segmentStartOf(name: string): number | undefined {
  if (name.length !== segmentDigits + segmentEnding.length || !name.endsWith(segmentEnding))
    return undefined;
  const digits = name.slice(0, segmentDigits);
  const start = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  return Number.isSafeInteger(start) ? start : undefined;
}
