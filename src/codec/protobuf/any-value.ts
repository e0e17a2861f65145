import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { setField } from "../plain-value.ts";
import { depthMax, endAt, endOf, skip, tooDeep, wireTypes } from "./wire.ts";
import { refuse, type TypeCodec } from "./scalars.ts";

/**
 * `google.protobuf.Value`, `Struct` and `ListValue`: any JSON, in Protobuf's own words. A Value in which nothing is set,
 * which JSON has no word for, stands for `undefined`.
 */
export function valueCodec(where: string): TypeCodec {
  return {
    wire: wireTypes.length,
    zero: undefined,
    write: (writer, value, depth) => writeValue(writer, value, depth, where),
    read: (reader, depth) => readValue(reader, depth),
  };
}

export function structCodec(where: string): TypeCodec {
  return {
    wire: wireTypes.length,
    zero: undefined,
    write(writer, value, depth) {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        refuse(where, "object", value);
      writeStruct(writer, value, depth, where);
    },
    read: (reader, depth) => readStruct(reader, depth),
  };
}

export function listValueCodec(where: string): TypeCodec {
  return {
    wire: wireTypes.length,
    zero: undefined,
    write(writer, value, depth) {
      if (!Array.isArray(value)) refuse(where, "array", value);
      writeList(writer, value, depth, where);
    },
    read: (reader, depth) => readList(reader, depth),
  };
}

// The fields of Value with their wire types, as one tag each.
const nullTag = 8;
const numberTag = 17;
const stringTag = 26;
const boolTag = 32;
const structTag = 42;
const listTag = 50;
/** The one field of Struct and of ListValue. */
const entryTag = 10;
/** Of an entry of a Struct. */
const keyTag = 10;
const valueTag = 18;

function writeValue(writer: BinaryWriter, given: unknown, depth: number, where: string): void {
  if (depth >= depthMax) tooDeep(where);
  const value = plain(given);
  writer.fork();
  switch (typeof value) {
    case "undefined":
      break;
    case "string":
      if (!value.isWellFormed()) throw new TypeError(`${where}: the text is not well-formed`);
      writer.uint32(stringTag).string(value);
      break;
    case "number":
      if (!Number.isFinite(value)) throw new RangeError(`${where}: JSON has no ${value}`);
      writer.uint32(numberTag).double(value);
      break;
    case "boolean":
      writer.uint32(boolTag).bool(value);
      break;
    case "object":
      if (value === null) writer.uint32(nullTag).uint32(0);
      else if (Array.isArray(value)) {
        writer.uint32(listTag);
        writeList(writer, value, depth, where);
      } else {
        writer.uint32(structTag);
        writeStruct(writer, value, depth, where);
      }
      break;
    default:
      throw new TypeError(`${where}: a ${typeof value} has no JSON form`);
  }
  writer.join();
}

function writeStruct(writer: BinaryWriter, object: object, depth: number, where: string): void {
  writer.fork();
  for (const [key, value] of Object.entries(object)) {
    // As JSON does: what has no form is left out.
    if (value === undefined || typeof value === "function" || typeof value === "symbol") continue;
    if (!key.isWellFormed()) throw new TypeError(`${where}: a name is not well-formed text`);
    writer.uint32(entryTag).fork();
    writer.uint32(keyTag).string(key).uint32(valueTag);
    writeValue(writer, value, depth + 1, where);
    writer.join();
  }
  writer.join();
}

function writeList(
  writer: BinaryWriter,
  list: readonly unknown[],
  depth: number,
  where: string,
): void {
  writer.fork();
  for (const item of list) {
    writer.uint32(entryTag);
    writeValue(writer, item ?? null, depth + 1, where);
  }
  writer.join();
}

/** What an object says of itself to JSON, if it does: a Date its text. */
export function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { toJSON } = value as { readonly toJSON?: unknown };
  return typeof toJSON === "function" ? Reflect.apply(toJSON, value, [""]) : value;
}

function readValue(reader: BinaryReader, depth: number): unknown {
  if (depth >= depthMax) tooDeep("google.protobuf.Value");
  const end = endOf(reader);
  let value: unknown;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag) {
      case nullTag:
        reader.int32();
        value = null;
        break;
      case numberTag:
        value = reader.double();
        break;
      case stringTag:
        value = reader.string(true);
        break;
      case boolTag:
        value = reader.bool();
        break;
      case structTag:
        value = readStruct(reader, depth);
        break;
      case listTag:
        value = readList(reader, depth);
        break;
      default:
        skip(reader, tag);
    }
  }
  endAt(reader, end);
  return value;
}

function readStruct(reader: BinaryReader, depth: number): object {
  const object: Record<string, unknown> = {};
  const end = endOf(reader);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === entryTag) readEntry(reader, object, depth);
    else skip(reader, tag);
  }
  endAt(reader, end);
  return object;
}

function readEntry(reader: BinaryReader, object: Record<string, unknown>, depth: number): void {
  const end = endOf(reader);
  let key = "";
  let value: unknown = null;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === keyTag) key = reader.string(true);
    else if (tag === valueTag) value = readValue(reader, depth + 1);
    else skip(reader, tag);
  }
  endAt(reader, end);
  setField(object, key, value);
}

function readList(reader: BinaryReader, depth: number): unknown[] {
  const list: unknown[] = [];
  const end = endOf(reader);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === entryTag) list.push(readValue(reader, depth + 1));
    else skip(reader, tag);
  }
  endAt(reader, end);
  return list;
}
