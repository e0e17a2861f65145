import { Packr, Unpackr } from "msgpackr";
import type { Codec } from "../codec.ts";
import type { Format } from "../format.ts";
import { plainValue, setField } from "../plain-value.ts";
import { checkPacked } from "./check-packed.ts";

/** Smallest forms of everything, and nothing that another library would not understand. */
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false });

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

/** For what has a field that must not be set as others are. */
const careful = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: "number" });

const codec: Codec = {
  id: 3,
  name: "msgpack",
  encode(value) {
    return value === undefined ? "" : packr.pack(plainValue(value, whole));
  },
  decode(memory, from, to) {
    if (from === to) return undefined;
    checkPacked(memory, from, to);
    const bytes = memory.subarray(from, to);
    if (!bytes.includes("__proto__")) return unpackr.unpack(bytes);
    return withoutMaps(careful.unpack(bytes));
  },
};

const format: Format = {
  name: codec.name,
  id: codec.id,
  mediaTypes: ["application/vnd.msgpack", "application/msgpack", "application/x-msgpack"],
  text: false,
  codec: () => codec,
};

/**
 * MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), by the library msgpackr: `npm i msgpackr`. Carries
 * what JSON carries; binary data, extensions, timestamps, and numbers that JavaScript does not hold are refused.
 */
export function msgpack(): Format {
  return format;
}

/** Whole numbers are written as such; the library would make doubles of those that need more than 32 bits. */
function whole(value: number): number | bigint {
  if (value >= -0x8000_0000 && value <= 0xffff_ffff) return value;
  return Number.isSafeInteger(value) ? BigInt(value) : value;
}

function withoutMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMaps);
  if (!(value instanceof Map)) return value;
  const fields: Record<string, unknown> = {};
  for (const [name, field] of value as Map<string, unknown>)
    setField(fields, name, withoutMaps(field));
  return fields;
}
