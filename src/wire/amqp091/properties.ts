import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { malformed } from "./malformed.ts";
import { properties as kinds } from "./methods.ts";
import { readTable, skipValue, writeField, writeTable, type Table } from "./table.ts";

/** The properties of a message. */
export interface Properties {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly headers?: Table | undefined;
  /** 2: it is to outlive the broker's process. */
  readonly deliveryMode?: number | undefined;
  readonly priority?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  /** Milliseconds, as a text. */
  readonly expiration?: string | undefined;
  readonly messageId?: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp?: number | undefined;
  readonly type?: string | undefined;
  readonly userId?: string | undefined;
  readonly appId?: string | undefined;
  readonly clusterId?: string | undefined;
}

type Name = keyof typeof kinds;

/** Their names, in the order of their flags: the first has the highest of the sixteen bits. */
const names = Object.keys(kinds) as readonly Name[];

/** Whose flag is which bit. */
export const flagOf: Readonly<Record<Name, number>> = Object.fromEntries(
  names.map((name, index) => [name, 0x8000 >>> index]),
) as Record<Name, number>;

/** Bits that stand for no property, and the one that says that more flags follow, which nobody has. */
const flagsUnknown = 0xffff & ~names.reduce((all, name) => all | flagOf[name], 0);

const flagsBytes = 2;

/** Reads the flags and the list of properties of a content header. @throws INVALID_ARGUMENT when they are malformed. */
export function readProperties(bytes: Uint8Array): Properties {
  const reader = readerOf(bytes);
  const flags = readFlags(reader);
  const properties: Record<string, unknown> = {};
  for (const name of names) if ((flags & flagOf[name]) !== 0) properties[name] = read(reader, name);
  if (reader.at !== reader.end) throw malformed("something stands after the last property");
  return properties;
}

function read(reader: ByteReader, name: Name): unknown {
  const kind = kinds[name];
  if (kind === "shortstr") return reader.shortstr();
  if (kind === "octet") return reader.octet();
  return kind === "table" ? readTable(reader) : reader.longlong();
}

/** The bytes that `readProperties` reads. @throws INVALID_ARGUMENT when a property cannot be said. */
export function writeProperties(properties: Properties): Buffer {
  const writer = new ByteWriter();
  let flags = 0;
  writer.short(0);
  for (const name of names) {
    const value = properties[name];
    if (value === undefined) continue;
    flags |= flagOf[name];
    const kind = kinds[name];
    if (kind === "shortstr") writer.shortstr(value as string);
    else if (kind === "octet") writer.octet(value as number);
    else if (kind === "table") writeTable(writer, value as Table);
    else writer.longlong(value as number);
  }
  writer.memory.writeUInt16BE(flags, 0);
  return writer.copied();
}

/**
 * The same properties with some headers set, or left out where they are undefined. All other bytes stay as they are: no value of
 * somebody else changes its type on the way.
 */
export function reviseHeaders(bytes: Uint8Array, changes: Table): Buffer {
  const reader = readerOf(bytes);
  const flags = readFlags(reader);
  const writer = new ByteWriter(Buffer.allocUnsafe(bytes.length + 256));
  writer.short(flags | flagOf.headers);
  for (const name of ["contentType", "contentEncoding"] as const)
    if ((flags & flagOf[name]) !== 0) reader.skip(reader.octet());
  writer.bytes(bytes.subarray(flagsBytes, reader.at));
  const lengthAt = writer.claim(4);
  if ((flags & flagOf.headers) !== 0) {
    const end = reader.long() + reader.at;
    while (reader.at < end) {
      const from = reader.at;
      const name = reader.shortstr();
      skipValue(reader, 0);
      if (!Object.hasOwn(changes, name)) writer.bytes(bytes.subarray(from, reader.at));
    }
    if (reader.at !== end) throw malformed("a value goes past the end of its table");
  }
  for (const name of Object.keys(changes)) writeField(writer, name, changes[name], 0);
  writer.memory.writeUInt32BE(writer.at - lengthAt - 4, lengthAt);
  writer.bytes(bytes.subarray(reader.at));
  return writer.copied();
}

/** The same properties with another value of some of them; undefined leaves one out. Headers stay byte for byte. */
export function reviseProperties(bytes: Uint8Array, changes: Omit<Properties, "headers">): Buffer {
  const reader = readerOf(bytes);
  const flags = readFlags(reader);
  const writer = new ByteWriter(Buffer.allocUnsafe(bytes.length + 256));
  let written = 0;
  writer.short(0);
  for (const name of names) {
    const from = reader.at;
    if ((flags & flagOf[name]) !== 0) skip(reader, name);
    const changed = Object.hasOwn(changes, name) && name !== "headers";
    if (changed) {
      const value = changes[name];
      if (value === undefined) continue;
      written |= flagOf[name];
      if (typeof value === "string") writer.shortstr(value);
      else if (kinds[name] === "octet") writer.octet(value);
      else writer.longlong(value);
    } else if ((flags & flagOf[name]) !== 0) {
      written |= flagOf[name];
      writer.bytes(bytes.subarray(from, reader.at));
    }
  }
  writer.memory.writeUInt16BE(written, 0);
  return writer.copied();
}

function skip(reader: ByteReader, name: Name): void {
  const kind = kinds[name];
  if (kind === "shortstr") reader.skip(reader.octet());
  else if (kind === "octet") reader.skip(1);
  else if (kind === "table") reader.skip(reader.long());
  else reader.skip(8);
}

/** The flags before the properties. @throws INVALID_ARGUMENT when there are some that nobody knows. */
export function readFlags(reader: ByteReader): number {
  const flags = reader.short();
  if ((flags & flagsUnknown) !== 0) throw malformed("there are properties that nobody knows");
  return flags;
}

function readerOf(bytes: Uint8Array): ByteReader {
  return new ByteReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
