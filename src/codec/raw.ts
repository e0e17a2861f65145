import { given, givenBytesMin, isKeepable } from "../base/given.ts";
import type { Codec } from "./codec.ts";

/** Bytes as they are. The receiver gets a copy of its own, or memory that was given to it (`loan`). */
export const raw: Codec = {
  id: 2,
  name: "raw",
  encode(value) {
    if (value instanceof Uint8Array) return given(value);
    throw new TypeError("expected a Uint8Array");
  },
  decode(memory, from, to) {
    if (to - from >= givenBytesMin && isKeepable(memory.buffer)) return memory.subarray(from, to);
    const copy = Buffer.allocUnsafeSlow(to - from); // not from the pool: it may be kept for long
    memory.copy(copy, 0, from, to);
    return copy;
  },
};
