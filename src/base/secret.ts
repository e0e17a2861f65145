import { randomBytes } from "node:crypto";

/** Bytes that nobody can guess: for salts and keys, never for dice. */
export function secretBytes(count: number): Uint8Array {
  return randomBytes(count);
}
