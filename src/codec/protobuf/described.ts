import type { JsonSchema } from "../../base/contract-shape.ts";
import type { FieldType, Rule } from "./model.ts";
import { pascal } from "./names.ts";
import { textOf } from "./schema-reading.ts";

/** What a schema describes, before it is known whether it stands in a field, in a list or for itself. */
export type Described = {
  /** `null` is allowed too. */
  readonly nullable: boolean;
} & (
  | { readonly kind: "one"; readonly type: FieldType }
  | { readonly kind: "list" | "map"; readonly item: Described }
);

/** Any JSON. */
export const anything: FieldType = { kind: "well-known", name: "Value" };
/** `null` and nothing else. */
export const nothing: FieldType = { kind: "well-known", name: "NullValue" };

export function one(type: FieldType): Described & { readonly kind: "one" } {
  return { kind: "one", type, nullable: false };
}

export function commented(schema: JsonSchema | undefined): { readonly comment?: string } {
  const comment = textOf(schema?.["description"]);
  return comment === undefined ? {} : { comment };
}

export function ruleOf(type: FieldType, optional: boolean, nullable: boolean): Rule {
  // It holds null itself, and undefined has no other word.
  if (type === anything) return "optional";
  if (optional) return "optional";
  return nullable ? "nullable" : "required";
}

export function typeOfConstant(...values: readonly unknown[]): FieldType {
  const types = new Set(values.map((value) => (value === null ? "null" : typeof value)));
  if (types.size > 1) return anything;
  switch ([...types][0]) {
    case "string":
      return { kind: "scalar", scalar: "string" };
    case "boolean":
      return { kind: "scalar", scalar: "bool" };
    case "null":
      return nothing;
    case "number":
      return {
        kind: "scalar",
        scalar: values.every((value) => Number.isSafeInteger(value)) ? "int64" : "double",
      };
    default:
      return anything;
  }
}

export function sameScalar(a: FieldType, b: FieldType): boolean {
  return a.kind === "scalar" && b.kind === "scalar" && a.scalar === b.scalar;
}

/** How the names of wrappers call a type. */
export function typeName(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return pascal(type.scalar);
    case "enum":
      return type.enum.name;
    case "message":
      return type.message.name;
    case "well-known":
      return type.name;
  }
}
