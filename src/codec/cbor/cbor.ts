import { decode, encode, Tokenizer, Type, type DecodeOptions, type EncodeOptions } from "cborg";
import type { Codec } from "../codec.ts";
import type { Format } from "../format.ts";
import { plainValue } from "../plain-value.ts";

/** What others may write and JSON could not carry is refused; items of unknown length are not. */
const reading: DecodeOptions = {
  allowIndefinite: true,
  allowUndefined: false,
  allowBigInt: false,
  allowInfinity: false,
  allowNaN: false,
};

/** Fields stay in their order, as they do in JSON. */
const writing = { mapSorter: undefined } as unknown as EncodeOptions;

/** Ends an item of unknown length. */
const breakByte = 0xff;

/** Refuses byte strings: they would come out as no plain value. */
class PlainTokens extends Tokenizer {
  override next(): ReturnType<Tokenizer["next"]> {
    const token = super.next();
    if (token.type === Type.bytes) throw new TypeError("a byte string has no JSON form");
    return token;
  }
}

const codec: Codec = {
  id: 4,
  name: "cbor",
  encode(value) {
    return value === undefined ? "" : encode(plainValue(value), writing);
  },
  decode(memory, from, to) {
    if (from === to) return undefined;
    // The library keeps no part of it: texts are copied.
    const bytes = new Uint8Array(memory.buffer, memory.byteOffset + from, to - from);
    const value: unknown = decode(bytes, { tokenizer: new PlainTokens(bytes, reading) });
    if (bytes.includes(breakByte)) refuseSymbols(value);
    return value;
  },
};

const format: Format = {
  name: codec.name,
  id: codec.id,
  mediaTypes: ["application/cbor"],
  text: false,
  codec: () => codec,
};

/**
 * CBOR (RFC 8949), by the library cborg: `npm i cborg`. Numbers are written in the shortest form that holds them. Carries
 * what JSON carries; byte strings, tags, `undefined`, and numbers that JavaScript does not hold are refused.
 */
export function cbor(): Format {
  return format;
}

/** Where a break stands in the place of a field's value the library gives its sign for it. */
function refuseSymbols(value: unknown): void {
  if (typeof value === "symbol") throw new TypeError("an item ends where a value should be");
  if (typeof value === "object" && value !== null) Object.values(value).forEach(refuseSymbols);
}
