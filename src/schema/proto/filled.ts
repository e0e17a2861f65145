import { ScalarType, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import { isText, wellKnownOf } from "../../codec/protobuf/imported-model.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The value with what its sender has left out: zeros, empty texts, lists and maps. The value itself where nothing is
 * missing, as it is when it comes from Protobuf's bytes.
 */
export function filled(value: unknown, message: DescMessage): unknown {
  if (!isFields(value) || wellKnownOf(message.typeName) !== undefined) return value;
  let copy: Record<string, unknown> | undefined;
  for (const field of message.fields) {
    const { jsonName } = field;
    const given = Object.hasOwn(value, jsonName) ? value[jsonName] : undefined;
    const own = given === undefined ? absent(field) : filledField(given, field);
    if (own === undefined || own === given) continue;
    copy ??= { ...value };
    copy[jsonName] = own;
  }
  return copy ?? value;
}

function filledField(value: unknown, field: DescField): unknown {
  const { message } = field;
  if (message === undefined) return value;
  switch (field.fieldKind) {
    case "list": {
      const list = value as readonly unknown[];
      const own = list.map((item) => filled(item, message));
      return own.every((item, index) => item === list[index]) ? value : own;
    }
    case "map": {
      const entries = Object.entries(value as object) as [string, unknown][];
      const own = entries.map(([key, item]) => [key, filled(item, message)] as const);
      return own.every(([, item], index) => item === entries[index]![1])
        ? value
        : Object.fromEntries(own);
    }
    default:
      return filled(value, message);
  }
}

/** Whether a message that was received has a value in the field, whatever was sent. */
export function isAlwaysThere(field: DescField): boolean {
  return absent(field) !== undefined;
}

/** What a field holds of which nothing was sent; undefined: that it is not there tells something. */
function absent(field: DescField): unknown {
  switch (field.fieldKind) {
    case "list":
      return [];
    case "map":
      return {};
    case "message":
      return undefined;
    case "enum":
      if (field.presence !== Presence.IMPLICIT) return undefined;
      return field.enum.typeName === "google.protobuf.NullValue"
        ? null
        : field.enum.values.find(({ number }) => number === 0)?.name;
    case "scalar":
      if (field.presence !== Presence.IMPLICIT) return undefined;
      return zeroOf(field.scalar, isText(field));
  }
}

function zeroOf(scalar: ScalarType, text: boolean): unknown {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return "";
    case ScalarType.BOOL:
      return false;
    default:
      return text ? "0" : 0;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
