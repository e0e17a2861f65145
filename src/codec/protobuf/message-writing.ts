import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { setField } from "../plain-value.ts";
import { plain } from "./any-value.ts";
import { oneofsOf } from "./fields.ts";
import type { FieldModel, MessageModel } from "./model.ts";
import { refuse, type TypeCodec } from "./scalars.ts";
import { mapKeyCodec } from "./type-codecs.ts";
import { tagOf, wireTypes } from "./wire.ts";

export type Write = (writer: BinaryWriter, value: unknown, depth: number) => void;

type Fields = Record<string, unknown>;

/** Writes the fields of a message, each by its own writer. `where` names it in errors. */
export function messageWriter(
  message: MessageModel,
  writers: ReadonlyMap<string, Write>,
  where: string,
): Write {
  const { form, others } = message;
  // A property may be called as one that all objects inherit: `constructor`.
  const list = [...writers].map(([key, write]) => ({
    key,
    write,
    inherited: key in Object.prototype,
  }));
  switch (form) {
    case "nothing":
      return () => {};
    case "only":
      return list[0]!.write;
    case "tuple":
      return tupleWriter(list, where);
    case "union":
      return (writer, value, depth) => {
        if (value === undefined) return;
        const field = message.choose?.(value);
        if (field === undefined)
          throw new TypeError(`${where}: the value is none of ${[...writers.keys()].join(", ")}`);
        writers.get(field.key)!(writer, value, depth);
      };
    case "object": {
      const oneofs = oneofsOf(message);
      return (writer, given, depth) => {
        const value = plain(given);
        if (typeof value !== "object" || value === null || Array.isArray(value))
          refuse(where, "object", value);
        const own = ownFields(value);
        for (const keys of oneofs) onlyOne(own, keys, where);
        const fields = others === undefined ? own : apart(own, writers, others);
        for (const { key, write, inherited } of list)
          write(writer, inherited && !Object.hasOwn(fields, key) ? undefined : fields[key], depth);
      };
    }
  }
}

function tupleWriter(
  list: readonly { readonly key: string; readonly write: Write }[],
  where: string,
): Write {
  const fixed = list.filter(({ key }) => key !== "rest").length;
  return (writer, value, depth) => {
    if (!Array.isArray(value)) refuse(where, "array", value);
    if (value.length < fixed || (value.length > fixed && fixed === list.length))
      throw new TypeError(`${where}: expected ${fixed} elements, got ${value.length}`);
    for (const { key, write } of list)
      write(writer, key === "rest" ? value.slice(fixed) : value[Number(key)], depth);
  };
}

/** Writes one field with its tag, or nothing where that says the same. */
export function fieldWriter(
  { form }: MessageModel,
  field: FieldModel,
  codec: TypeCodec,
  where: string,
): Write {
  const { number, rule, omittable = false } = field;
  const tag = tagOf(number, codec.wire);
  const one: Write = (writer, value, depth) => {
    writer.uint32(tag);
    codec.write(writer, value, depth);
  };
  if (form === "union") return one;
  switch (rule) {
    case "required": {
      const { zero } = codec;
      return (writer, value, depth) => {
        if (value === undefined && omittable) return;
        if (value !== zero || value === undefined) one(writer, value, depth);
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

function repeatedWriter(field: FieldModel, codec: TypeCodec, where: string): Write {
  const { number, packed = true } = field;
  const together = packed && codec.wire !== wireTypes.length;
  const tag = tagOf(number, together ? wireTypes.length : codec.wire);
  return (writer, value, depth) => {
    if (!Array.isArray(value)) {
      if (value === undefined && field.omittable) return;
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

function mapWriter(field: FieldModel, codec: TypeCodec, where: string): Write {
  const keys = mapKeyCodec(field, where);
  const tag = tagOf(field.number, wireTypes.length);
  const keyTag = tagOf(1, keys.wire);
  const valueTag = tagOf(2, codec.wire);
  return (writer, value, depth) => {
    if (value === undefined && field.omittable) return;
    const object = plain(value);
    if (typeof object !== "object" || object === null || Array.isArray(object))
      refuse(where, "object", value);
    for (const [key, one] of Object.entries(object)) {
      if (one === undefined) continue;
      writer.uint32(tag).fork().uint32(keyTag);
      keys.write(writer, key, depth);
      writer.uint32(valueTag);
      codec.write(writer, one, depth);
      writer.join();
    }
  };
}

/** What JSON would write of an object: not what its class has. */
function ownFields(value: object): Fields {
  const prototype: unknown = Object.getPrototypeOf(value);
  const plainly = prototype === Object.prototype || prototype === null;
  return plainly ? (value as Fields) : { ...value };
}

/** The properties that have a field, and the others together under one key. */
function apart(value: Fields, known: ReadonlyMap<string, unknown>, others: string): Fields {
  const draft: Fields = {};
  const rest: Fields = {};
  for (const [key, one] of Object.entries(value))
    setField(known.has(key) && key !== others ? draft : rest, key, one);
  draft[others] = rest;
  return draft;
}

function onlyOne(value: Fields, keys: readonly string[], where: string): void {
  const given = keys.filter((key) => Object.hasOwn(value, key) && value[key] !== undefined);
  if (given.length > 1)
    throw new TypeError(
      `${where}: only one of ${keys.join(", ")} can be set, not ${given.join(", ")}`,
    );
}
