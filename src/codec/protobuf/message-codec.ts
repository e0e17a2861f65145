import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { listValueCodec, plain, structCodec, valueCodec } from "./any-value.ts";
import type { EnumModel, FieldModel, FieldType, MessageModel } from "./model.ts";
import { setField } from "../plain-value.ts";
import { depthMax, endAt, endOf, skip, tooDeep } from "./reading.ts";
import { refuse, scalarCodec, wireTypes, type TypeCodec } from "./scalars.ts";

/** How one message is written and read: worked out once, so that nothing is looked up for a value. */
export interface MessageCodec {
  /** Its fields, without a length. */
  write(writer: BinaryWriter, value: unknown, depth: number): void;
  /** Reads fields up to `end`. */
  read(reader: BinaryReader, end: number, depth: number): unknown;
}

type Draft = Record<string, unknown>;
type FieldWriter = (writer: BinaryWriter, value: unknown, depth: number) => void;
type FieldReader = (reader: BinaryReader, draft: Draft, depth: number) => void;

/** The codecs of the messages of one model; those that hold themselves find themselves here. */
export class MessageCodecs {
  readonly #package: string;
  readonly #made = new Map<MessageModel, MessageCodec>();

  constructor(packageName: string) {
    this.#package = packageName;
  }

  of(message: MessageModel): MessageCodec {
    let codec = this.#made.get(message);
    if (codec === undefined) {
      const made = { write: unready, read: unready } as unknown as Mutable<MessageCodec>;
      this.#made.set(message, (codec = made));
      made.write = this.#writing(message);
      made.read = this.#reading(message);
    }
    return codec;
  }

  #writing(message: MessageModel): MessageCodec["write"] {
    const where = this.#nameOf(message);
    const { fields, form, others } = message;
    const writers = new Map(fields.map((field) => [field.key, this.#fieldWriter(message, field)]));
    const list = fields.map(({ key }) => ({ key, write: writers.get(key)! }));
    const writeObject = (writer: BinaryWriter, value: object, depth: number): void => {
      for (const { key, write } of list) write(writer, (value as Draft)[key], depth);
    };
    switch (form) {
      case "nothing":
        return () => {};
      case "only": {
        const { write } = list[0]!;
        return write;
      }
      case "tuple": {
        const fixed = list.filter(({ key }) => key !== "rest").length;
        return (writer, value, depth) => {
          if (!Array.isArray(value)) refuse(where, "array", value);
          if (value.length < fixed || (value.length > fixed && fixed === list.length))
            throw new TypeError(`${where}: expected ${fixed} elements, got ${value.length}`);
          for (const { key, write } of list)
            write(writer, key === "rest" ? value.slice(fixed) : value[Number(key)], depth);
        };
      }
      case "union":
        return (writer, value, depth) => {
          if (value === undefined) return;
          const field = message.choose?.(value);
          if (field === undefined)
            throw new TypeError(`${where}: the value is none of ${keysOf(message)}`);
          writers.get(field.key)!(writer, value, depth);
        };
      case "object":
        return (writer, given, depth) => {
          const value = plain(given);
          if (typeof value !== "object" || value === null || Array.isArray(value))
            refuse(where, "object", value);
          writeObject(writer, others === undefined ? value : apart(value, writers, others), depth);
        };
    }
  }

  #fieldWriter(message: MessageModel, field: FieldModel): FieldWriter {
    const where = this.#nameOf(message, field);
    const codec = this.#typeCodec(field.type, where);
    const { number, rule } = field;
    const tag = tagOf(number, codec.wire);
    const one: FieldWriter = (writer, value, depth) => {
      writer.uint32(tag);
      codec.write(writer, value, depth);
    };
    if (message.form === "union") return one;
    switch (rule) {
      case "required": {
        const { zero } = codec;
        // The type is looked at where there is nothing to write, too.
        return (writer, value, depth) => {
          if (value !== zero || value === undefined) one(writer, value, depth);
        };
      }
      case "implicit": {
        const { zero } = codec;
        return (writer, value, depth) => {
          if (value !== undefined && value !== null && value !== zero) one(writer, value, depth);
        };
      }
      case "optional":
        return (writer, value, depth) => {
          if (value !== undefined) one(writer, value, depth);
        };
      case "nullable":
        return (writer, value, depth) => {
          if (value !== null) one(writer, value, depth);
        };
      case "repeated":
        return repeatedWriter(field, codec, where);
      case "map":
        return mapWriter(field, codec, where);
    }
  }

  #reading(message: MessageModel): MessageCodec["read"] {
    const readers = new Map<number, FieldReader>();
    const absences: ((draft: Draft) => void)[] = [];
    for (const field of message.fields) {
      const codec = this.#typeCodec(field.type, this.#nameOf(message, field));
      addReaders(readers, field, codec, message);
      const absent = absenceOf(field, codec);
      if (absent !== undefined && message.form !== "union") absences.push(absent);
    }
    const finish = finishing(message);
    return (reader, end, depth) => {
      const draft: Draft = {};
      while (reader.pos < end) {
        const tag = reader.uint32();
        const read = readers.get(tag);
        // What a newer peer has added, or written in another way.
        if (read === undefined) skip(reader, tag);
        else read(reader, draft, depth);
      }
      endAt(reader, end);
      for (const absent of absences) absent(draft);
      return finish(draft);
    };
  }

  #typeCodec(type: FieldType, where: string): TypeCodec {
    switch (type.kind) {
      case "scalar":
        return scalarCodec(type.scalar, type.text === true, where);
      case "enum":
        return enumCodec(type.enum, `${this.#package}.${type.enum.name}`, where);
      case "message":
        return lengthDelimited(this.of(type.message), where);
      case "well-known":
        return wellKnownCodec(type.name, where);
    }
  }

  #nameOf({ name }: MessageModel, field?: FieldModel): string {
    return `${this.#package}.${name}${field === undefined ? "" : `.${field.name}`}`;
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function unready(): never {
  throw new Error("the message is still being compiled");
}

function tagOf(number: number, wire: number): number {
  return ((number << 3) | wire) >>> 0;
}

/** The properties that have a field, and the others together under one key. */
function apart(value: object, known: ReadonlyMap<string, unknown>, others: string): object {
  const draft: Draft = {};
  const rest: Draft = {};
  for (const [key, one] of Object.entries(value))
    setField(known.has(key) && key !== others ? draft : rest, key, one);
  draft[others] = rest;
  return draft;
}

function keysOf({ fields }: MessageModel): string {
  return fields.map(({ key }) => key).join(", ");
}

function lengthDelimited(codec: MessageCodec, where: string): TypeCodec {
  return {
    wire: wireTypes.length,
    zero: undefined,
    write(writer, value, depth) {
      if (depth >= depthMax) tooDeep(where);
      writer.fork();
      codec.write(writer, value, depth + 1);
      writer.join();
    },
    read(reader, depth) {
      if (depth >= depthMax) tooDeep(where);
      return codec.read(reader, endOf(reader), depth + 1);
    },
  };
}

function enumCodec(model: EnumModel, name: string, where: string): TypeCodec {
  const numbers = new Map(model.values.map(({ value, number }) => [value as unknown, number]));
  const values = new Map(model.values.map(({ value, number }) => [number, value]));
  return {
    wire: wireTypes.varint,
    zero: undefined,
    write(writer, value) {
      const number = numbers.get(value);
      if (number === undefined || value === undefined)
        throw new TypeError(`${where}: ${JSON.stringify(value)} is no value of ${name}`);
      writer.int32(number);
    },
    read(reader) {
      const number = reader.int32();
      if (!values.has(number))
        throw new RangeError(
          `${where}: ${number} is no value of ${name}; perhaps the peer has a newer version of it`,
        );
      return values.get(number);
    },
  };
}

function wellKnownCodec(name: string, where: string): TypeCodec {
  switch (name) {
    case "Value":
      return valueCodec(where);
    case "Struct":
      return structCodec(where);
    case "ListValue":
      return listValueCodec(where);
    case "NullValue":
      return {
        wire: wireTypes.varint,
        zero: null,
        write(writer, value) {
          if (value !== null) refuse(where, "null", value);
          writer.int32(0);
        },
        read(reader) {
          reader.int32();
          return null;
        },
      };
    default:
      throw new TypeError(`${where}: google.protobuf.${name} is not supported`);
  }
}

function repeatedWriter(field: FieldModel, codec: TypeCodec, where: string): FieldWriter {
  const { number, packed = true } = field;
  const together = packed && codec.wire !== wireTypes.length;
  const tag = tagOf(number, together ? wireTypes.length : codec.wire);
  const implicit = field.rule === "implicit";
  return (writer, value, depth) => {
    if (!Array.isArray(value)) {
      if (value === undefined && implicit) return;
      refuse(where, "array", value);
    }
    if (value.length === 0) return;
    if (together) {
      writer.uint32(tag).fork();
      for (const item of value) codec.write(writer, item, depth);
      writer.join();
      return;
    }
    for (const item of value) {
      writer.uint32(tag);
      codec.write(writer, item, depth);
    }
  };
}

function mapWriter(field: FieldModel, codec: TypeCodec, where: string): FieldWriter {
  const keys = scalarCodec(field.mapKey ?? "string", false, where);
  const tag = tagOf(field.number, wireTypes.length);
  const keyTag = tagOf(1, keys.wire);
  const valueTag = tagOf(2, codec.wire);
  return (writer, value, depth) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      refuse(where, "object", value);
    for (const [key, one] of Object.entries(value)) {
      if (one === undefined) continue;
      writer.uint32(tag).fork().uint32(keyTag);
      keys.write(writer, key, depth);
      writer.uint32(valueTag);
      codec.write(writer, one, depth);
      writer.join();
    }
  };
}

function addReaders(
  readers: Map<number, FieldReader>,
  field: FieldModel,
  codec: TypeCodec,
  message: MessageModel,
): void {
  const { key, number, rule } = field;
  const tag = tagOf(number, codec.wire);
  if (rule === "map") {
    readers.set(tagOf(number, wireTypes.length), mapReader(field, codec));
  } else if (rule === "repeated") {
    const add = (draft: Draft, item: unknown): void => {
      (draft[key] as unknown[]).push(item);
    };
    readers.set(tag, (reader, draft, depth) => {
      draft[key] ??= [];
      add(draft, codec.read(reader, depth));
    });
    if (codec.wire === wireTypes.length) return;
    readers.set(tagOf(number, wireTypes.length), (reader, draft, depth) => {
      draft[key] ??= [];
      const end = endOf(reader);
      while (reader.pos < end) add(draft, codec.read(reader, depth));
      endAt(reader, end);
    });
  } else if (message.form === "union") {
    readers.set(tag, (reader, draft, depth) => {
      // The last one counts.
      draft["value"] = codec.read(reader, depth);
    });
  } else {
    readers.set(tag, (reader, draft, depth) => {
      const value = codec.read(reader, depth);
      // The zero of an enum, and a Value in which nothing is set, say nothing.
      if (value !== undefined) draft[key] = value;
    });
  }
}

function mapReader(field: FieldModel, codec: TypeCodec): FieldReader {
  const { key, mapKey = "string" } = field;
  const keys = scalarCodec(mapKey, false, field.name);
  const keyTag = tagOf(1, keys.wire);
  const valueTag = tagOf(2, codec.wire);
  return (reader, draft, depth) => {
    const end = endOf(reader);
    let name = keys.zero;
    let value = codec.zero;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === keyTag) name = keys.read(reader, depth);
      else if (tag === valueTag) value = codec.read(reader, depth);
      else skip(reader, tag);
    }
    endAt(reader, end);
    setField((draft[key] ??= {}) as Draft, String(name), value);
  };
}

/** What is put where nothing came. */
function absenceOf(field: FieldModel, codec: TypeCodec): ((draft: Draft) => void) | undefined {
  const { key, rule } = field;
  const { zero } = codec;
  switch (rule) {
    case "optional":
      return undefined;
    case "nullable":
      return (draft) => void (draft[key] ??= null);
    case "repeated":
      return (draft) => void (draft[key] ??= []);
    case "map":
      return (draft) => void (draft[key] ??= {});
    case "required":
    case "implicit":
      return zero === undefined
        ? undefined
        : (draft) => void (draft[key] === undefined && (draft[key] = zero));
  }
}

/** Makes the value from what was read. */
function finishing({ form, fields, others }: MessageModel): (draft: Draft) => unknown {
  switch (form) {
    case "nothing":
      return () => undefined;
    case "only": {
      const { key } = fields[0]!;
      return (draft) => draft[key];
    }
    case "union":
      return (draft) => draft["value"];
    case "tuple": {
      const keys = fields.map(({ key }) => key).filter((key) => key !== "rest");
      return (draft) => [
        ...keys.map((key) => draft[key]),
        ...((draft["rest"] ?? []) as readonly unknown[]),
      ];
    }
    case "object":
      if (others === undefined) return (draft) => draft;
      return (draft) => {
        const { [others]: rest, ...own } = draft;
        for (const [key, one] of Object.entries(rest as object))
          if (!Object.hasOwn(own, key)) setField(own, key, one);
        return own;
      };
  }
}
