import { ScalarType, type DescEnum, type DescField, type DescMessage } from "@bufbuild/protobuf";
import type { JsonSchema } from "../../base/contract-shape.ts";
import { isText, wellKnownOf } from "../../codec/protobuf/imported-model.ts";
import { isAlwaysThere } from "./filled.ts";
import { commentOf } from "./comments.ts";

/** JSON Schemas of messages and enums, by names that are short where they can be. */
export class MessageSchemas {
  readonly #names = new Map<DescMessage | DescEnum, string>();
  readonly #definitions: Record<string, JsonSchema> = {};
  /** By definition: what is there whenever the message was received. */
  readonly #present: Record<string, readonly string[]> = {};

  /** What was referred to until now. */
  get definitions(): Readonly<Record<string, JsonSchema>> {
    return this.#definitions;
  }

  /** The same as it is when it has been received, zeros and empty lists filled in. */
  received(): Readonly<Record<string, JsonSchema>> {
    const entries = Object.entries(this.#definitions).map(([name, schema]) => {
      const required = this.#present[name];
      return [name, required === undefined ? schema : { ...schema, required }] as const;
    });
    return Object.fromEntries(entries);
  }

  /** The schema of a message as a whole payload. */
  of(message: DescMessage): JsonSchema {
    return wellKnownSchema(message) ?? this.#reference(message);
  }

  #reference(told: DescMessage | DescEnum): JsonSchema {
    let name = this.#names.get(told);
    if (name === undefined) {
      name = this.#nameOf(told);
      this.#names.set(told, name);
      this.#definitions[name] = {}; // it may hold itself
      this.#definitions[name] =
        told.kind === "enum"
          ? described(told, { enum: [...new Set(told.values.map((value) => value.name))] })
          : this.#message(told);
      if (told.kind === "message")
        this.#present[name] = told.fields.filter(isAlwaysThere).map((field) => field.jsonName);
    }
    return { $ref: `#/$defs/${name}` };
  }

  #nameOf({ typeName, file }: DescMessage | DescEnum): string {
    const { package: space } = file.proto;
    const short = (space === "" ? typeName : typeName.slice(space.length + 1)).replaceAll(".", "");
    return Object.hasOwn(this.#definitions, short) ? typeName : short;
  }

  #message(message: DescMessage): JsonSchema {
    const properties = message.fields.map((field) => [
      field.jsonName,
      described(field, this.#field(field)),
    ]);
    return described(message, { type: "object", properties: Object.fromEntries(properties) });
  }

  #field(field: DescField): JsonSchema {
    switch (field.fieldKind) {
      case "list":
        return { type: "array", items: this.#single(field) };
      case "map":
        return { type: "object", additionalProperties: this.#single(field) };
      default:
        return this.#single(field);
    }
  }

  #single(field: DescField): JsonSchema {
    if (field.message !== undefined) return this.of(field.message);
    if (field.enum !== undefined)
      return field.enum.typeName === "google.protobuf.NullValue"
        ? { type: "null" }
        : this.#reference(field.enum);
    return scalarSchema(field.scalar, isText(field));
  }
}

function described(told: DescMessage | DescEnum | DescField, schema: JsonSchema): JsonSchema {
  const description = commentOf(told);
  return description === undefined ? schema : { description, ...schema };
}

function scalarSchema(scalar: ScalarType, text: boolean): JsonSchema {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: "number" };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: "integer", minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", minimum: 0, maximum: 2 ** 32 - 1 };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return text
        ? { type: "string", pattern: "^[0-9]{1,20}$" }
        : { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return text
        ? { type: "string", pattern: "^-?[0-9]{1,19}$" }
        : {
            type: "integer",
            minimum: Number.MIN_SAFE_INTEGER,
            maximum: Number.MAX_SAFE_INTEGER,
          };
  }
}

/** The values of Google's types in the JSON of Protobuf; undefined: the message has no rules of its own. */
function wellKnownSchema({ typeName }: DescMessage): JsonSchema | undefined {
  const name = wellKnownOf(typeName);
  switch (name) {
    case undefined:
      return undefined;
    case "Value":
      return {};
    case "Struct":
      return { type: "object", additionalProperties: {} };
    case "ListValue":
      return { type: "array", items: {} };
    case "Timestamp":
      return { type: "string", format: "date-time" };
    case "Duration":
      return { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$" };
    case "FieldMask":
      return { type: "string" };
    case "Any":
      return {
        type: "object",
        properties: { "@type": { type: "string" } },
        additionalProperties: {},
      };
    case "Empty":
      return { type: "object", properties: {} };
    case "DoubleValue":
    case "FloatValue":
      return scalarSchema(ScalarType.DOUBLE, false);
    case "Int64Value":
      return scalarSchema(ScalarType.INT64, true);
    case "UInt64Value":
      return scalarSchema(ScalarType.UINT64, true);
    case "Int32Value":
      return scalarSchema(ScalarType.INT32, false);
    case "UInt32Value":
      return scalarSchema(ScalarType.UINT32, false);
    case "BoolValue":
      return scalarSchema(ScalarType.BOOL, false);
    case "StringValue":
      return scalarSchema(ScalarType.STRING, false);
    case "BytesValue":
      return scalarSchema(ScalarType.BYTES, true);
  }
}
