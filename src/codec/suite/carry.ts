import { ok } from "node:assert/strict";
import { isTrunklineError } from "../../base/error.ts";
import type { Codec } from "../codec.ts";
import type { Format, PayloadType } from "../format.ts";

/** What stands before and behind a payload in the memory that it is read from. */
const margin = 7;

/** The bytes of a value. */
export function written(codec: Codec, value: unknown): Buffer {
  const payload = codec.encode(value);
  return Buffer.from(typeof payload === "string" ? Buffer.from(payload) : payload);
}

/** Reads bytes as protocols do: from the middle of memory that is written over as soon as they are read. */
export function read(codec: Codec, bytes: Uint8Array): unknown {
  const memory = Buffer.alloc(bytes.length + 2 * margin, "<[{");
  memory.set(bytes, margin);
  try {
    return codec.decode(memory, margin, margin + bytes.length);
  } finally {
    memory.fill(0xa5);
  }
}

/** What JSON makes of a value. */
export function throughJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** The codec of a payload; undefined when the format refuses it, as it should: by a typed error that says why. */
export function codecOrRefusal(format: Format, type: PayloadType): Codec | undefined {
  try {
    return format.codec(type);
  } catch (error) {
    ok(isTrunklineError(error), `a refusal is a TrunklineError, not ${String(error)}`);
    ok(error.code === "INVALID_ARGUMENT" && error.executed === "no", error.message);
    return undefined;
  }
}

/** Throws unless JSON could have brought it, or it is nothing at all. */
export function mustBePlain(value: unknown): void {
  const left = [value];
  while (left.length > 0) {
    const each = left.pop();
    if (each === undefined) continue;
    if (typeof each === "object" && each !== null) {
      const prototype: unknown = Object.getPrototypeOf(each);
      ok(prototype === Object.prototype || Array.isArray(each), "an object is a plain one");
      left.push(...Object.values(each));
    } else {
      ok(
        each === null || ["string", "number", "boolean"].includes(typeof each),
        `a ${typeof each} is no plain value`,
      );
    }
  }
}
