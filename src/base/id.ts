import type { Env } from "./env.ts";
import { uint32 } from "./random.ts";

/**
 * A UUID of version 7 (RFC 9562): 48 bits of wall time in milliseconds, then 74 random bits. Sorts by time between
 * milliseconds; within one millisecond the order is random. Unique, not secret.
 */
export function uuidv7(env: Env): string {
  const time = env.wall();
  if (time !== lastTime) {
    lastTime = time;
    lastPrefix = `${hex(Math.floor(time / 0x1_0000), 8)}-${hex(time % 0x1_0000, 4)}`;
  }
  const version = hex4(0x7000 | (uint32(env.random) & 0x0fff));
  const variant = hex4(0x8000 | (uint32(env.random) & 0x3fff));
  const high = hex4(uint32(env.random));
  const low = uint32(env.random);
  return `${lastPrefix}-${version}-${variant}-${high}${hex4(low >>> 16)}${hex4(low)}`;
}

/** Many are made in one millisecond. */
let lastTime = Number.NaN;
let lastPrefix = "";

const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

/** The lower sixteen bits of a number in four hexadecimal digits. */
function hex4(value: number): string {
  return pairs[(value >>> 8) & 0xff]! + pairs[value & 0xff]!;
}

/** `value` in `digits` hexadecimal digits, with leading zeros. */
export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
