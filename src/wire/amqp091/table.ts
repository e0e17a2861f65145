import { isUtf8 } from "node:buffer";
import { instant } from "../../base/timestamp.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { tableDepthMax } from "./limits.ts";
import { malformed } from "./malformed.ts";

/**
 * A value of a field table, as arguments and headers need them. Read: integers are numbers, or bigints past 2^53; decimals and
 * floats are numbers; timestamps are Dates, exact to a second; a text that is not UTF-8 is bytes. Written: a whole number that fits
 * 32 bits as `I`, a larger one and every bigint as `l`, another one as `d`. Undefined is left out.
 */
export type FieldValue =
  | string
  | number
  | bigint
  | boolean
  | Date
  | Uint8Array
  | null
  | undefined
  | readonly FieldValue[]
  | { readonly [name: string]: FieldValue };

/** A field table. */
export type Table = { readonly [name: string]: FieldValue };

/** The letters by which RabbitMQ and its clients tell the types of values (https://www.rabbitmq.com/amqp-0-9-1-errata, section 3). */
const letter = {
  boolean: 0x74,
  int8: 0x62,
  uint8: 0x42,
  int16: 0x73,
  uint16: 0x75,
  int32: 0x49,
  uint32: 0x69,
  int64: 0x6c,
  uint64: 0x4c,
  float: 0x66,
  double: 0x64,
  decimal: 0x44,
  text: 0x53,
  array: 0x41,
  timestamp: 0x54,
  table: 0x46,
  nothing: 0x56,
  bytes: 0x78,
} as const;

/** How many bytes the values of these types take; those of the others begin with their length. */
const fixedBytes: ReadonlyMap<number, number> = new Map([
  [letter.boolean, 1],
  [letter.int8, 1],
  [letter.uint8, 1],
  [letter.int16, 2],
  [letter.uint16, 2],
  [letter.int32, 4],
  [letter.uint32, 4],
  [letter.int64, 8],
  [letter.uint64, 8],
  [letter.float, 4],
  [letter.double, 8],
  [letter.decimal, 5],
  [letter.timestamp, 8],
  [letter.nothing, 0],
]);

/** Reads a table where the reader stands. @throws INVALID_ARGUMENT when it is malformed, or deeper than `tableDepthMax`. */
export function readTable(reader: ByteReader, depth: number = 0): Table {
  const end = endOf(reader, depth);
  const table: Record<string, FieldValue> = {};
  while (reader.at < end) {
    const name = reader.shortstr();
    const value = readValue(reader, depth);
    // An assignment of that name would change what the table inherits from.
    if (name === "__proto__")
      Object.defineProperty(table, name, { value, enumerable: true, writable: true });
    else table[name] = value;
  }
  ended(reader, end);
  return table;
}

/** Goes past the value where the reader stands, and sees that it is well formed. */
export function skipValue(reader: ByteReader, depth: number): void {
  const type = reader.octet();
  const bytes = fixedBytes.get(type);
  if (bytes !== undefined) reader.skip(bytes);
  else if (type === letter.text || type === letter.bytes) reader.skip(reader.long());
  else if (type === letter.table) skipTable(reader, depth + 1);
  else if (type === letter.array) {
    const end = endOf(reader, depth + 1);
    while (reader.at < end) skipValue(reader, depth + 1);
    ended(reader, end);
  } else throw unknownType(type);
}

/** Goes past the table where the reader stands, and sees that it is well formed. */
function skipTable(reader: ByteReader, depth: number = 0): void {
  const end = endOf(reader, depth);
  while (reader.at < end) {
    reader.skip(reader.octet());
    skipValue(reader, depth);
  }
  ended(reader, end);
}

/** Reads the value where the reader stands, its type before it. */
export function readValue(reader: ByteReader, depth: number): FieldValue {
  const type = reader.octet();
  const { memory } = reader;
  switch (type) {
    case letter.text:
      return textOf(reader.longstr());
    case letter.boolean:
      return reader.octet() !== 0;
    case letter.int32:
      return memory.readInt32BE(reader.skip(4));
    case letter.int64:
      return whole(memory.readBigInt64BE(reader.skip(8)));
    case letter.uint64:
      return whole(memory.readBigUInt64BE(reader.skip(8)));
    case letter.int8:
      return memory.readInt8(reader.skip(1));
    case letter.uint8:
      return reader.octet();
    case letter.int16:
      return memory.readInt16BE(reader.skip(2));
    case letter.uint16:
      return reader.short();
    case letter.uint32:
      return reader.long();
    case letter.float:
      return memory.readFloatBE(reader.skip(4));
    case letter.double:
      return memory.readDoubleBE(reader.skip(8));
    case letter.decimal: {
      const places = reader.octet();
      return memory.readInt32BE(reader.skip(4)) / 10 ** places;
    }
    case letter.timestamp:
      return instant(reader.longlong() * 1_000);
    case letter.table:
      return readTable(reader, depth + 1);
    case letter.array:
      return readArray(reader, depth + 1);
    case letter.bytes:
      return Buffer.from(reader.longstr());
    case letter.nothing:
      return null;
    default:
      throw unknownType(type);
  }
}

function readArray(reader: ByteReader, depth: number): FieldValue[] {
  const end = endOf(reader, depth);
  const values: FieldValue[] = [];
  while (reader.at < end) values.push(readValue(reader, depth));
  ended(reader, end);
  return values;
}

/** Where a table or an array that begins here with its length has its end. */
function endOf(reader: ByteReader, depth: number): number {
  if (depth >= tableDepthMax) throw malformed(`a table is deeper than ${tableDepthMax}`);
  const bytes = reader.long();
  const end = reader.at + bytes;
  if (end > reader.end) throw malformed("a table is longer than what is there");
  return end;
}

function ended(reader: ByteReader, end: number): void {
  if (reader.at !== end) throw malformed("a value goes past the end of its table");
}

function unknownType(type: number): Error {
  return malformed(`nobody knows the type 0x${type.toString(16)} of a value`);
}

function textOf(bytes: Buffer): string | Uint8Array {
  return isUtf8(bytes) ? bytes.toString() : Buffer.from(bytes);
}

function whole(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Writes a table. @throws INVALID_ARGUMENT when it holds what cannot be said, or is deeper than `tableDepthMax`. */
export function writeTable(writer: ByteWriter, table: Table, depth: number = 0): void {
  if (depth >= tableDepthMax) throw malformed(`a table is deeper than ${tableDepthMax}`);
  const lengthAt = writer.claim(4);
  for (const name of Object.keys(table)) writeField(writer, name, table[name], depth);
  writer.memory.writeUInt32BE(writer.at - lengthAt - 4, lengthAt);
}

/** Writes a name and its value; nothing where it is undefined. */
export function writeField(
  writer: ByteWriter,
  name: string,
  value: FieldValue,
  depth: number,
): void {
  if (value === undefined) return;
  writer.shortstr(name);
  writeValue(writer, value, depth);
}

function writeValue(writer: ByteWriter, value: FieldValue, depth: number): void {
  switch (typeof value) {
    case "string":
      writer.octet(letter.text);
      return writer.longstr(value);
    case "boolean":
      writer.octet(letter.boolean);
      return writer.octet(value ? 1 : 0);
    case "number":
      return writeNumber(writer, value);
    case "bigint":
      return writeWhole(writer, value);
    case "object":
      return writeObject(writer, value, depth);
    default:
      writer.octet(letter.nothing);
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    if (value !== (value | 0)) return writeWhole(writer, BigInt(value));
    writer.octet(letter.int32);
    const at = writer.claim(4);
    writer.memory.writeInt32BE(value, at);
    return;
  }
  writer.octet(letter.double);
  const at = writer.claim(8);
  writer.memory.writeDoubleBE(value, at);
}

function writeWhole(writer: ByteWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) throw malformed(`${value} does not fit 64 bits`);
  writer.octet(letter.int64);
  const at = writer.claim(8);
  writer.memory.writeBigInt64BE(value, at);
}

function writeObject(
  writer: ByteWriter,
  value: Date | Uint8Array | readonly FieldValue[] | Table | null,
  depth: number,
): void {
  if (value === null) writer.octet(letter.nothing);
  else if (value instanceof Uint8Array) {
    writer.octet(letter.bytes);
    writer.longstr(value);
  } else if (value instanceof Date) {
    const seconds = Math.floor(value.getTime() / 1_000);
    if (!(seconds >= 0)) throw malformed("a timestamp is before 1970");
    writer.octet(letter.timestamp);
    writer.longlong(seconds);
  } else if (isArray(value)) {
    if (depth + 1 >= tableDepthMax) throw malformed(`a table is deeper than ${tableDepthMax}`);
    writer.octet(letter.array);
    const lengthAt = writer.claim(4);
    for (const each of value) writeValue(writer, each, depth + 1);
    writer.memory.writeUInt32BE(writer.at - lengthAt - 4, lengthAt);
  } else {
    writer.octet(letter.table);
    writeTable(writer, value, depth + 1);
  }
}

function isArray(value: readonly FieldValue[] | Table): value is readonly FieldValue[] {
  return Array.isArray(value);
}
