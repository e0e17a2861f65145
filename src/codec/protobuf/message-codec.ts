import type { Registry } from "@bufbuild/protobuf";
import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { messageReader } from "./message-reading.ts";
import { fieldWriter, messageWriter } from "./message-writing.ts";
import type { FieldModel, FieldType, MessageModel } from "./model.ts";
import { scalarCodec, type TypeCodec } from "./scalars.ts";
import { enumCodec, wellKnownCodec } from "./type-codecs.ts";
import { depthMax, endOf, tooDeep, wireTypes } from "./wire.ts";

/** How one message is written and read: worked out once, so that nothing is looked up for a value. */
export interface MessageCodec {
  /** Its fields, without a length. */
  write(writer: BinaryWriter, value: unknown, depth: number): void;
  /** Reads fields up to `end`. */
  read(reader: BinaryReader, end: number, depth: number): unknown;
}

/** The codecs of the messages of one model; those that hold themselves find themselves here. */
export class MessageCodecs {
  readonly #prefix: string;
  readonly #registry: Registry | undefined;
  readonly #made = new Map<MessageModel, MessageCodec>();

  /** `registry` knows the messages that a `google.protobuf.Any` may hold. */
  constructor(packageName: string, registry?: Registry) {
    this.#prefix = packageName === "" ? "" : `${packageName}.`;
    this.#registry = registry;
  }

  of(message: MessageModel): MessageCodec {
    const known = this.#made.get(message);
    if (known !== undefined) return known;
    const made: Mutable<MessageCodec> = { write: unready, read: unready };
    this.#made.set(message, made);
    const where = this.#nameOf(message);
    const codecs = message.fields.map((field): readonly [FieldModel, TypeCodec] => [
      field,
      this.#typeCodec(field.type, this.#nameOf(message, field)),
    ]);
    const writers = codecs.map(
      ([field, codec]) =>
        [field.key, fieldWriter(message, field, codec, this.#nameOf(message, field))] as const,
    );
    made.write = messageWriter(message, new Map(writers), where);
    made.read = messageReader(message, codecs, where);
    return made;
  }

  #typeCodec(type: FieldType, where: string): TypeCodec {
    switch (type.kind) {
      case "scalar":
        return scalarCodec(type.scalar, type.text === true, where);
      case "enum":
        return enumCodec(type.enum, `${this.#prefix}${type.enum.name}`, where);
      case "message":
        return lengthDelimited(this.of(type.message), where);
      case "well-known":
        return wellKnownCodec(type.name, this.#registry, where);
    }
  }

  #nameOf({ name }: MessageModel, field?: FieldModel): string {
    return `${this.#prefix}${name}${field === undefined ? "" : `.${field.name}`}`;
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function unready(): never {
  throw new Error("the message is still being compiled");
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
