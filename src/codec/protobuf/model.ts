/**
 * A contract's payloads as Protobuf sees them, and how each value of the contract lies in them: what the codecs, the
 * descriptor and the text of the .proto file are made from.
 */
export interface ProtoModel {
  /** `orders.v1` */
  readonly package: string;
  /** In the order in which the file tells them. */
  readonly messages: readonly MessageModel[];
  readonly enums: readonly EnumModel[];
}

/** The scalar types of proto3. */
export type Scalar =
  | "double"
  | "float"
  | "int32"
  | "int64"
  | "uint32"
  | "uint64"
  | "sint32"
  | "sint64"
  | "fixed32"
  | "fixed64"
  | "sfixed32"
  | "sfixed64"
  | "bool"
  | "string"
  | "bytes";

/** Types of Google's that have a value of their own in JSON; without their package, `google.protobuf`. */
export type WellKnown =
  | "Value"
  | "NullValue"
  | "Struct"
  | "ListValue"
  | "Timestamp"
  | "Duration"
  | "FieldMask"
  | "Any"
  | "Empty"
  | "DoubleValue"
  | "FloatValue"
  | "Int64Value"
  | "UInt64Value"
  | "Int32Value"
  | "UInt32Value"
  | "BoolValue"
  | "StringValue"
  | "BytesValue";

export type FieldType =
  | {
      readonly kind: "scalar";
      readonly scalar: Scalar;
      /** The value is text: base64 of bytes, the decimal digits of 64 bits. Default: a Uint8Array, a number. */
      readonly text?: boolean;
    }
  | { readonly kind: "enum"; readonly enum: EnumModel }
  | { readonly kind: "message"; readonly message: MessageModel }
  | { readonly kind: "well-known"; readonly name: WellKnown };

/**
 * What it means that a field is not there.
 *
 * - `required`: of a scalar, its zero value, which is not written; of a message, that somebody forgot it. The value must be given.
 * - `optional`: the property is absent.
 * - `nullable`: the property is `null`.
 * - `repeated`, `map`: there are no items.
 */
export type Rule = "required" | "optional" | "nullable" | "repeated" | "map";

export interface FieldModel {
  /** The property of the value. */
  readonly key: string;
  /** The name in the .proto file. */
  readonly name: string;
  /** The property in the JSON of Protobuf. Default: as Protobuf derives it from `name`. */
  readonly jsonName?: string;
  /** 0 until numbers are given. */
  number: number;
  readonly type: FieldType;
  readonly rule: Rule;
  /** What is not given is the zero value, or no items. Default: it must be given. */
  readonly omittable?: boolean;
  /** Of a map. */
  readonly mapKey?: Scalar;
  /** The oneof that it belongs to: at most one of its members can be set. */
  readonly oneof?: string;
  /** Repeated numbers one after the other under one tag; both ways are read. */
  readonly packed?: boolean;
  readonly comment?: string;
}

/**
 * How the value of a message looks.
 *
 * - `object`: an object with a property for each field.
 * - `tuple`: an array with an element for each field; a field `rest` has the others.
 * - `only`: the value of the one field there is.
 * - `union`: the value of the one field that is set.
 * - `nothing`: `undefined`.
 */
export type Form = "object" | "tuple" | "only" | "union" | "nothing";

export interface MessageModel {
  /** Without the package; a message in another has a dot in it. */
  readonly name: string;
  form: Form;
  /** Filled while the model is made, because messages may hold themselves. */
  fields: readonly FieldModel[];
  readonly comment?: string;
  /** The key of the map that takes the properties which no field has; `object` only. */
  others?: string;
  /** Which field of a `union` holds a value; undefined: none can. */
  choose?: (value: unknown) => FieldModel | undefined;
  /** Numbers and names of fields that there were once. */
  reserved?: readonly Reserved[];
}

export interface EnumModel {
  readonly name: string;
  readonly values: readonly EnumValueModel[];
  readonly comment?: string;
  reserved?: readonly Reserved[];
}

export interface EnumValueModel {
  /** The value in the contract; undefined: the number that means "not said". */
  readonly value: string | undefined;
  /** `ORDER_STATE_PLACED` */
  readonly name: string;
  number: number;
}

export interface Reserved {
  readonly name: string;
  readonly number: number;
}
