import type { JsonSchema } from "../../../base/contract-shape.ts";

/**
 * Whether a value can be what a schema describes, as far as types, constants and the fields of objects tell. Enough to see
 * which of several errors a foreign body is; who is called later checks it against the contract.
 */
export function fits(schema: JsonSchema, value: unknown): boolean {
  const { type, properties, required, items, enum: values } = schema;
  if ("const" in schema && !same(schema["const"], value)) return false;
  if (Array.isArray(values) && !values.some((each) => same(each, value))) return false;
  if (type !== undefined && ![type].flat().some((each) => isOf(each, value))) return false;
  for (const choices of [schema["anyOf"], schema["oneOf"]])
    if (Array.isArray(choices) && !choices.some((each) => fits(each as JsonSchema, value)))
      return false;
  if (Array.isArray(value))
    return !isSchema(items) || value.every((each: unknown) => fits(items, each));
  if (typeof value !== "object" || value === null) return true;
  const fields = value as Readonly<Record<string, unknown>>;
  if (Array.isArray(required) && !required.every((name: string) => Object.hasOwn(fields, name)))
    return false;
  if (!isSchema(properties)) return true;
  return Object.entries(properties).every(
    ([name, each]) => !Object.hasOwn(fields, name) || !isSchema(each) || fits(each, fields[name]),
  );
}

function isOf(type: unknown, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
