import { ScalarType, type DescEnum, type DescField, type DescMessage } from "@bufbuild/protobuf";
import {
  FeatureSet_FieldPresence as Presence,
  FieldOptions_JSType as JsType,
} from "@bufbuild/protobuf/wkt";
import type { EnumModel, FieldModel, FieldType, MessageModel, Scalar, WellKnown } from "./model.ts";

/** Messages of somebody's .proto file; their values are those of the JSON of Protobuf. */
export class ImportedMessages {
  readonly #messages = new Map<DescMessage, MessageModel>();
  readonly #enums = new Map<DescEnum, EnumModel>();

  message(told: DescMessage): MessageModel {
    let message = this.#messages.get(told);
    if (message !== undefined) return message;
    message = { name: told.typeName, form: "object", fields: [] };
    this.#messages.set(told, message);
    message.fields = told.fields.map((field) => this.#field(field));
    return message;
  }

  #field(field: DescField): FieldModel {
    const { jsonName, name, number } = field;
    const type = this.#type(field);
    const common = { key: jsonName, name, number, type };
    switch (field.fieldKind) {
      case "list":
        return { ...common, rule: "repeated", packed: field.packed, omittable: true };
      case "map":
        return {
          ...common,
          rule: "map",
          mapKey: scalars[field.mapKey],
          omittable: true,
        };
      default: {
        const { oneof } = field;
        if (oneof !== undefined) return { ...common, rule: "optional", oneof: oneof.name };
        const implicit = field.presence === Presence.IMPLICIT;
        return implicit
          ? { ...common, rule: "required", omittable: true }
          : { ...common, rule: "optional" };
      }
    }
  }

  #type(field: DescField): FieldType {
    if (field.message !== undefined) {
      const wellKnown = wellKnownOf(field.message.typeName);
      return wellKnown === undefined
        ? { kind: "message", message: this.message(field.message) }
        : { kind: "well-known", name: wellKnown };
    }
    if (field.enum !== undefined) {
      if (field.enum.typeName === "google.protobuf.NullValue")
        return { kind: "well-known", name: "NullValue" };
      return { kind: "enum", enum: this.#enum(field.enum) };
    }
    return { kind: "scalar", scalar: scalars[field.scalar], text: isText(field) };
  }

  #enum(told: DescEnum): EnumModel {
    let made = this.#enums.get(told);
    if (made === undefined) {
      const values = told.values.map(({ name, number }) => ({ value: name, name, number }));
      this.#enums.set(told, (made = { name: told.typeName, values }));
    }
    return made;
  }
}

/** Bytes are base64, and integers of 64 bits are digits, unless the file says that a number holds them. */
export function isText({ scalar, proto }: DescField): boolean {
  switch (scalar) {
    case ScalarType.BYTES:
      return true;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return proto.options?.jstype !== JsType.JS_NUMBER;
    default:
      return false;
  }
}

/** The type of Google's that has values of its own in JSON; undefined: a message like others. */
export function wellKnownOf(typeName: string): Exclude<WellKnown, "NullValue"> | undefined {
  const [, name] = /^google\.protobuf\.(\w+)$/.exec(typeName) ?? [];
  return wellKnown.find((each) => each === name);
}

const wellKnown: readonly Exclude<WellKnown, "NullValue">[] = [
  "Value",
  "Struct",
  "ListValue",
  "Timestamp",
  "Duration",
  "FieldMask",
  "Any",
  "Empty",
  "DoubleValue",
  "FloatValue",
  "Int64Value",
  "UInt64Value",
  "Int32Value",
  "UInt32Value",
  "BoolValue",
  "StringValue",
  "BytesValue",
];

const scalars: Readonly<Record<ScalarType, Scalar>> = {
  [ScalarType.DOUBLE]: "double",
  [ScalarType.FLOAT]: "float",
  [ScalarType.INT64]: "int64",
  [ScalarType.UINT64]: "uint64",
  [ScalarType.INT32]: "int32",
  [ScalarType.FIXED64]: "fixed64",
  [ScalarType.FIXED32]: "fixed32",
  [ScalarType.BOOL]: "bool",
  [ScalarType.STRING]: "string",
  [ScalarType.BYTES]: "bytes",
  [ScalarType.UINT32]: "uint32",
  [ScalarType.SFIXED32]: "sfixed32",
  [ScalarType.SFIXED64]: "sfixed64",
  [ScalarType.SINT32]: "sint32",
  [ScalarType.SINT64]: "sint64",
};
