import { fromBinary, fromJson, toBinary, toJson, type Registry } from "@bufbuild/protobuf";
import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import {
  AnySchema,
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  DurationSchema,
  EmptySchema,
  FieldMaskSchema,
  FloatValueSchema,
  Int32ValueSchema,
  Int64ValueSchema,
  ListValueSchema,
  StringValueSchema,
  StructSchema,
  TimestampSchema,
  UInt32ValueSchema,
  UInt64ValueSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import type { Codec } from "../codec.ts";
import type { WellKnown } from "./model.ts";
import type { TypeCodec } from "./scalars.ts";
import { wireTypes } from "./wire.ts";
import { protobufId, protobufName } from "./codec-name.ts";

type Told = Exclude<WellKnown, "NullValue">;

/** Google's types, in whose JSON Protobuf has rules of its own: a time is a text. */
const schemas: Readonly<Record<Told, DescMessage>> = {
  Value: ValueSchema,
  Struct: StructSchema,
  ListValue: ListValueSchema,
  Timestamp: TimestampSchema,
  Duration: DurationSchema,
  FieldMask: FieldMaskSchema,
  Any: AnySchema,
  Empty: EmptySchema,
  DoubleValue: DoubleValueSchema,
  FloatValue: FloatValueSchema,
  Int64Value: Int64ValueSchema,
  UInt64Value: UInt64ValueSchema,
  Int32Value: Int32ValueSchema,
  UInt32Value: UInt32ValueSchema,
  BoolValue: BoolValueSchema,
  StringValue: StringValueSchema,
  BytesValue: BytesValueSchema,
};

/** Lets the library read and write a type of Google's, by the JSON of Protobuf. Slower than the codecs of our own. */
export function delegatedType(
  name: Told,
  registry: Registry | undefined,
  where: string,
): TypeCodec {
  const { write, read } = delegated(name, registry, where);
  return {
    wire: wireTypes.length,
    zero: undefined,
    write: (writer, value) => void writer.bytes(write(value)),
    read: (reader) => read(reader.bytes()),
  };
}

/** The same for a whole payload. */
export function delegatedCodec(name: Told, registry: Registry, where: string): Codec {
  const { write, read } = delegated(name, registry, where);
  return {
    id: protobufId,
    name: protobufName,
    encode: write,
    decode: (memory, from, to) => read(memory.subarray(from, to)),
  };
}

function delegated(
  name: Told,
  registry: Registry | undefined,
  where: string,
): { write(value: unknown): Uint8Array; read(bytes: Uint8Array): unknown } {
  const schema = schemas[name];
  const options = { registry };
  return {
    write(value) {
      try {
        return toBinary(schema, fromJson(schema, value as JsonValue, options));
      } catch (cause) {
        throw new TypeError(`${where}: no google.protobuf.${name}`, { cause });
      }
    },
    // What it gives may hold on to the bytes, but JSON holds none.
    read: (bytes) => toJson(schema, fromBinary(schema, bytes), options),
  };
}
