import type { Env } from "./env.ts";
import { uint32 } from "./random.ts";

/**
 * A UUID of version 7 (RFC 9562): 48 bits of wall time in milliseconds, then 74 random bits. Sorts by time between
 * milliseconds; within one millisecond the order is random. Unique, not secret.
 */
export function uuidv7(env: Env): string {
  const time = env.wall();
  const high = hex(Math.floor(time / 0x1_0000), 8);
  const low = hex(time % 0x1_0000, 4);
  const version = hex(0x7000 | (uint32(env.random) & 0x0fff), 4);
  const variant = hex(0x8000 | (uint32(env.random) & 0x3fff), 4);
  const rest = hex(uint32(env.random) & 0xffff, 4) + hex(uint32(env.random), 8);
  return `${high}-${low}-${version}-${variant}-${rest}`;
}

/** `value` in `digits` hexadecimal digits, with leading zeros. */
export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
