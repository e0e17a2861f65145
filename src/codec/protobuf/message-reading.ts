import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { setField } from "../plain-value.ts";
import { oneofsOf } from "./fields.ts";
import type { FieldModel, MessageModel } from "./model.ts";
import type { TypeCodec } from "./scalars.ts";
import { mapKeyCodec } from "./type-codecs.ts";
import { endAt, endOf, skip, tagOf, wireTypes } from "./wire.ts";

export type Read = (reader: BinaryReader, end: number, depth: number) => unknown;

/** What is known of a value while its message is read. */
type Draft = Record<string, unknown>;
type FieldReader = (reader: BinaryReader, draft: Draft, depth: number) => void;

/** Reads the fields of a message up to `end`, and makes the value of them. */
export function messageReader(
  message: MessageModel,
  codecs: readonly (readonly [FieldModel, TypeCodec])[],
  where: string,
): Read {
  const readers = new Map<number, FieldReader>();
  const absences: ((draft: Draft) => void)[] = [];
  for (const [field, codec] of codecs) {
    addReaders(readers, field, codec, message);
    const absent = absenceOf(field, codec);
    if (absent !== undefined && message.form !== "union") absences.push(absent);
  }
  const finish = finishing(message);
  const numbers = new Set(message.fields.map(({ number }) => number));
  return (reader, end, depth) => {
    const draft: Draft = {};
    while (reader.pos < end) {
      const tag = reader.uint32();
      const read = readers.get(tag);
      if (read !== undefined) read(reader, draft, depth);
      // What a newer peer has added; what is there and looks different would be lost as if nobody had sent it.
      else if (!numbers.has(tag >>> 3)) skip(reader, tag);
      else otherType(message, tag >>> 3, where);
    }
    endAt(reader, end);
    for (const absent of absences) absent(draft);
    return finish(draft);
  };
}

function otherType({ fields }: MessageModel, number: number, where: string): never {
  const { name } = fields.find((field) => field.number === number)!;
  throw new TypeError(
    `${where}.${name}: the peer sends another type; its field ${number} has become another one`,
  );
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
    readers.set(tag, (reader, draft, depth) => {
      listIn(draft, key).push(codec.read(reader, depth));
    });
    if (codec.wire === wireTypes.length) return;
    readers.set(tagOf(number, wireTypes.length), (reader, draft, depth) => {
      const list = listIn(draft, key);
      const end = endOf(reader);
      while (reader.pos < end) list.push(codec.read(reader, depth));
      endAt(reader, end);
    });
  } else if (message.form === "union") {
    readers.set(tag, (reader, draft, depth) => {
      // The last one counts.
      draft["value"] = codec.read(reader, depth);
    });
  } else {
    const rivals = oneofsOf(message)
      .filter((keys) => keys.includes(key))
      .flatMap((keys) => keys.filter((each) => each !== key));
    readers.set(tag, (reader, draft, depth) => {
      const value = codec.read(reader, depth);
      // The last one counts.
      for (const rival of rivals) delete draft[rival];
      // The zero of an enum, and a Value in which nothing is set, say nothing.
      if (value !== undefined) draft[key] = value;
    });
  }
}

function mapReader(field: FieldModel, codec: TypeCodec): FieldReader {
  const { key } = field;
  const keys = mapKeyCodec(field, field.name);
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
    if (!Object.hasOwn(draft, key)) draft[key] = {};
    const map = draft[key] as Draft;
    if (value !== undefined) setField(map, String(name), value);
  };
}

/** The list that is being read. A property may be called as one that all objects inherit. */
function listIn(draft: Draft, key: string): unknown[] {
  if (!Object.hasOwn(draft, key)) draft[key] = [];
  return draft[key] as unknown[];
}

/** What is put where nothing came. */
function absenceOf(
  { key, rule }: FieldModel,
  { zero }: TypeCodec,
): ((draft: Draft) => void) | undefined {
  const absent =
    (make: () => unknown) =>
    (draft: Draft): void => {
      if (!Object.hasOwn(draft, key)) draft[key] = make();
    };
  switch (rule) {
    case "optional":
      return undefined;
    case "nullable":
      return absent(() => null);
    case "repeated":
      return absent(() => []);
    case "map":
      return absent(() => ({}));
    case "required":
      return zero === undefined ? undefined : absent(() => zero);
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
