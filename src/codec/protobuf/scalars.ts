import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Scalar } from "./model.ts";
import { wireTypes } from "./wire.ts";

/** How the values of one type are written and read, tag excluded. */
export interface TypeCodec {
  readonly wire: 0 | 1 | 2 | 5;
  /** `depth` counts the messages around the value. */
  write(writer: BinaryWriter, value: unknown, depth: number): void;
  read(reader: BinaryReader, depth: number): unknown;
  /** What a field without presence holds when nothing was sent; undefined where nothing can stand for that. */
  readonly zero: unknown;
}

/** The codec of a scalar; `where` names the field in errors, `text` is told at `FieldType`. */
export function scalarCodec(scalar: Scalar, text: boolean, where: string): TypeCodec {
  switch (scalar) {
    case "string":
      return stringCodec(where);
    case "bool":
      return {
        wire: wireTypes.varint,
        zero: false,
        write: (writer, value) =>
          void writer.bool(typeof value === "boolean" ? value : refuse(where, "boolean", value)),
        read: (reader) => reader.bool(),
      };
    case "bytes":
      return text ? base64Codec(where) : bytesCodec(where);
    case "int64":
    case "uint64":
    case "sint64":
    case "fixed64":
    case "sfixed64":
      return text ? longTextCodec(scalar, where) : longCodec(scalar, where);
    default:
      return numberCodec(scalar, where);
  }
}

/** The error for a value of another type than its field. */
export function refuse(where: string, expected: string, value: unknown): never {
  const got = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  throw new TypeError(`${where}: expected ${expected}, got ${got}`);
}

function stringCodec(where: string): TypeCodec {
  return {
    wire: wireTypes.length,
    zero: "",
    write(writer, value) {
      if (typeof value !== "string") refuse(where, "string", value);
      // UTF-8 has no form for half a surrogate pair: it would arrive as another text.
      if (!value.isWellFormed()) throw new TypeError(`${where}: the text is not well-formed`);
      writer.string(value);
    },
    read: (reader) => reader.string(true),
  };
}

function bytesCodec(where: string): TypeCodec {
  return {
    wire: wireTypes.length,
    zero: new Uint8Array(0),
    write(writer, value) {
      if (!(value instanceof Uint8Array)) refuse(where, "Uint8Array", value);
      writer.bytes(value);
    },
    read(reader) {
      const borrowed = reader.bytes();
      const copy = Buffer.allocUnsafeSlow(borrowed.byteLength); // not from the pool: it may be kept for long
      copy.set(borrowed);
      return copy;
    },
  };
}

function base64Codec(where: string): TypeCodec {
  return {
    wire: wireTypes.length,
    zero: "",
    write(writer, value) {
      if (typeof value !== "string") refuse(where, "base64 text", value);
      if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(value))
        throw new TypeError(`${where}: the text is not base64`);
      writer.bytes(Buffer.from(value, "base64"));
    },
    read(reader) {
      const { buffer, byteOffset, byteLength } = reader.bytes();
      return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    },
  };
}

type Long = "int64" | "uint64" | "sint64" | "fixed64" | "sfixed64";
type Short = Exclude<Scalar, Long | "string" | "bool" | "bytes">;

/** So many bytes of a varint are less than 2³²: they are read as a number, without a bigint. */
const shortBytesMax = 4;

function longCodec(scalar: Long, where: string): TypeCodec {
  const fixed = scalar.includes("fixed");
  const plain = scalar === "int64" || scalar === "uint64";
  return {
    wire: fixed ? wireTypes.bits64 : wireTypes.varint,
    zero: 0,
    write(writer, value) {
      if (typeof value !== "number") refuse(where, "integer", value);
      if (!Number.isSafeInteger(value))
        throw new RangeError(`${where}: ${value} is no integer that a number holds exactly`);
      if (plain && value >= 0 && value < 2 ** 32) writer.uint32(value);
      else writer[scalar](value);
    },
    read(reader) {
      if (plain) {
        const from = reader.pos;
        const short = reader.uint32();
        if (reader.pos - from <= shortBytesMax) return short;
        reader.pos = from;
      }
      const value = Number(reader[scalar]());
      if (!Number.isSafeInteger(value))
        throw new RangeError(`${where}: ${value} is larger than a number holds exactly`);
      return value;
    },
  };
}

function longTextCodec(scalar: Long, where: string): TypeCodec {
  const unsigned = scalar === "uint64" || scalar === "fixed64";
  const pattern = unsigned ? /^(0|[1-9]\d{0,19})$/ : /^-?(0|[1-9]\d{0,18})$/;
  return {
    wire: scalar.includes("fixed") ? wireTypes.bits64 : wireTypes.varint,
    zero: "0",
    write(writer, value) {
      const safe = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
      if (typeof safe !== "string") refuse(where, "integer as text", value);
      if (!pattern.test(safe)) throw new TypeError(`${where}: "${safe}" is no ${scalar}`);
      writer[scalar](safe);
    },
    read: (reader) => String(reader[scalar]()),
  };
}

function numberCodec(scalar: Short, where: string): TypeCodec {
  const float = scalar === "float" || scalar === "double";
  return {
    wire: numberWires[scalar],
    zero: 0,
    write(writer, value) {
      if (typeof value !== "number") refuse(where, float ? "number" : "integer", value);
      if (!Number.isFinite(value)) throw new RangeError(`${where}: JSON has no ${value}`);
      try {
        writer[scalar](value === 0 ? 0 : value); // JSON knows no other zero
      } catch (cause) {
        throw new RangeError(`${where}: ${value} is no ${scalar}`, { cause });
      }
    },
    read: (reader) => reader[scalar](),
  };
}

const numberWires: Readonly<Record<Short, 0 | 1 | 5>> = {
  double: wireTypes.bits64,
  float: wireTypes.bits32,
  int32: wireTypes.varint,
  uint32: wireTypes.varint,
  sint32: wireTypes.varint,
  fixed32: wireTypes.bits32,
  sfixed32: wireTypes.bits32,
};
