import type { FieldModel, MessageModel } from "./model.ts";
import { jsonNameOf } from "./names.ts";

/** What a field is called in the JSON of Protobuf. */
export function jsonNameOfField({ jsonName, name }: FieldModel): string {
  return jsonName ?? jsonNameOf(name);
}

/** True where it must be written that absence tells something: of messages, and in a oneof, it always does. */
export function needsOptional({ type, rule, oneof }: FieldModel): boolean {
  if (oneof !== undefined || (rule !== "optional" && rule !== "nullable")) return false;
  return type.kind === "well-known" ? type.name === "NullValue" : type.kind !== "message";
}

/** Protobuf keeps the presence of an `optional` field in a oneof of its own. */
export function syntheticOneof(field: FieldModel): string | undefined {
  return needsOptional(field) ? `_${field.name}` : undefined;
}

/** The file that declares one of Google's types; undefined: none that describes values. */
export function wellKnownFile(name: string): string | undefined {
  const file = name.endsWith("Value") ? (files[name] ?? "wrappers") : files[name];
  return file === undefined ? undefined : `google/protobuf/${file}.proto`;
}

const files: Readonly<Record<string, string>> = {
  Value: "struct",
  NullValue: "struct",
  Struct: "struct",
  ListValue: "struct",
  Timestamp: "timestamp",
  Duration: "duration",
  FieldMask: "field_mask",
  Any: "any",
  Empty: "empty",
};

/** The properties of which only one can be given. */
export function oneofsOf({ fields }: MessageModel): readonly (readonly string[])[] {
  const names = new Set(fields.flatMap(({ oneof }) => oneof ?? []));
  return [...names].map((name) =>
    fields.filter(({ oneof }) => oneof === name).map(({ key }) => key),
  );
}
