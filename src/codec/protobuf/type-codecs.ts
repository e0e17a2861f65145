import type { Registry } from "@bufbuild/protobuf";
import { listValueCodec, structCodec, valueCodec } from "./any-value.ts";
import { delegatedType } from "./delegated.ts";
import type { EnumModel, FieldModel, WellKnown } from "./model.ts";
import { refuse, scalarCodec, type TypeCodec } from "./scalars.ts";
import { wireTypes } from "./wire.ts";

export function enumCodec(model: EnumModel, name: string, where: string): TypeCodec {
  const numbers = new Map(model.values.map(({ value, number }) => [value as unknown, number]));
  // Of two names for one number the first is told.
  const values = new Map(model.values.toReversed().map(({ value, number }) => [number, value]));
  return {
    wire: wireTypes.varint,
    zero: values.get(0),
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

export function wellKnownCodec(
  name: WellKnown,
  registry: Registry | undefined,
  where: string,
): TypeCodec {
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
      return delegatedType(name, registry, where);
  }
}

/** Keys are texts in JSON, whatever they are in Protobuf. */
export function mapKeyCodec({ mapKey = "string" }: FieldModel, where: string): TypeCodec {
  const codec = scalarCodec(mapKey, true, where);
  if (mapKey === "string" || codec.zero === "0") return codec;
  const parse = mapKey === "bool" ? (text: unknown) => text === "true" : Number;
  return {
    ...codec,
    write: (writer, text, depth) => codec.write(writer, parse(text), depth),
  };
}
