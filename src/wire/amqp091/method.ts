import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { malformed } from "./malformed.ts";
import { methods, type FieldKind, type Method } from "./methods.ts";
import { readTable, writeTable, type Table } from "./table.ts";

export type MethodName = keyof typeof methods;

interface Kinds {
  readonly bit: boolean;
  readonly octet: number;
  readonly short: number;
  readonly long: number;
  readonly longlong: number;
  readonly timestamp: number;
  readonly shortstr: string;
  /** In borrowed memory where it was read. */
  readonly longstr: Uint8Array;
  readonly table: Table;
}

/** What a method says, by the names of its fields. */
export type Fields<Name extends MethodName> = {
  readonly [
    Field in keyof (typeof methods)[Name]["fields"]
  ]: (typeof methods)[Name]["fields"][Field] extends keyof Kinds
    ? Kinds[(typeof methods)[Name]["fields"][Field]]
    : never;
};

const nameOf: ReadonlyMap<number, MethodName> = new Map(
  Object.entries(methods).map(([name, { id }]) => [id, name as MethodName]),
);

const fieldsOf: Readonly<Record<string, readonly (readonly [string, FieldKind])[]>> =
  Object.fromEntries(
    Object.entries(methods).map(([name, { fields }]: [string, Method]) => [
      name,
      Object.entries(fields),
    ]),
  );

/** The name of a method by its number; undefined for one that nobody knows. */
export function methodName(id: number): MethodName | undefined {
  return nameOf.get(id);
}

/** Whether a content header and a body follow a method. */
export function bearsContent(name: MethodName): boolean {
  return "content" in methods[name];
}

/** Reads the fields of a method where the reader stands. @throws INVALID_ARGUMENT when they are malformed. */
export function readFields<Name extends MethodName>(reader: ByteReader, name: Name): Fields<Name> {
  const fields: Record<string, unknown> = {};
  let bits = 0;
  let bit = 8;
  for (const [field, kind] of fieldsOf[name]!) {
    if (kind !== "bit") {
      bit = 8;
      fields[field] = readField(reader, kind);
      continue;
    }
    // Bits that follow one another share an octet.
    if (bit === 8) {
      bits = reader.octet();
      bit = 0;
    }
    fields[field] = ((bits >>> bit++) & 1) === 1;
  }
  if (reader.at !== reader.end) throw malformed(`${name} has more than its fields`);
  return fields as Fields<Name>;
}

function readField(reader: ByteReader, kind: Exclude<FieldKind, "bit">): unknown {
  switch (kind) {
    case "octet":
      return reader.octet();
    case "short":
      return reader.short();
    case "long":
      return reader.long();
    case "longlong":
    case "timestamp":
      return reader.longlong();
    case "shortstr":
      return reader.shortstr();
    case "longstr":
      return reader.longstr();
    case "table":
      return readTable(reader);
  }
}

/** Writes the number and the fields of a method. @throws INVALID_ARGUMENT when a field cannot be said. */
export function writeMethod<Name extends MethodName>(
  writer: ByteWriter,
  name: Name,
  fields: Fields<Name>,
): void {
  writer.long(methods[name].id);
  const values = fields as Readonly<Record<string, unknown>>;
  let bit = 8;
  for (const [field, kind] of fieldsOf[name]!) {
    const value = values[field];
    if (kind !== "bit") {
      bit = 8;
      writeField(writer, kind, value);
      continue;
    }
    if (bit === 8) {
      writer.octet(0);
      bit = 0;
    }
    if (value === true) writer.memory[writer.at - 1]! |= 1 << bit;
    bit++;
  }
}

function writeField(writer: ByteWriter, kind: Exclude<FieldKind, "bit">, value: unknown): void {
  switch (kind) {
    case "octet":
      return writer.octet(value as number);
    case "short":
      return writer.short(value as number);
    case "long":
      return writer.long(value as number);
    case "longlong":
    case "timestamp":
      return writer.longlong(value as number);
    case "shortstr":
      return writer.shortstr(value as string);
    case "longstr":
      return writer.longstr(value as Uint8Array);
    case "table":
      return writeTable(writer, value as Table);
  }
}
