import { given, givenBytesMin, isKeepable } from "../base/given.ts";
import type { Codec } from "./codec.ts";

/**
 * As many bytes V8 keeps in its own heap, without memory beside it that has to be allocated and freed. Handed to what is not JavaScript,
 * `Buffer.copy` too, they would get that memory after all, and the copy takes four times as long.
 */
const inHeapBytesMax = 64;

/** Bytes as they are. The receiver gets a copy of its own, or memory that is nobody else's: what was put together for him, or a `loan`. */
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
    if (to - from <= inHeapBytesMax) copy.set(memory.subarray(from, to));
    else memory.copy(copy, 0, from, to);
    return copy;
  },
};
