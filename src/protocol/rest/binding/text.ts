import type { JsonSchema } from "../../../base/contract-shape.ts";

/** A value that can stand in a path, a query or a header, and comes back from there as it was. */
export interface TextType {
  readonly base: "string" | "number" | "integer" | "boolean";
  /** Several of them: the name is repeated. */
  readonly many: boolean;
}

const scalars: ReadonlySet<unknown> = new Set(["string", "number", "integer", "boolean"]);

/**
 * What a value is as text; undefined where text could not tell what it was: objects, `null`, one of several types, and
 * whatever the schema leaves open.
 */
export function textType(schema: JsonSchema): TextType | undefined {
  const base = scalarOf(schema);
  if (base !== undefined) return { base, many: false };
  const { type, items, prefixItems } = schema;
  if (type !== "array" || prefixItems !== undefined || !isSchema(items)) return undefined;
  const each = scalarOf(items);
  return each === undefined ? undefined : { base: each, many: true };
}

function scalarOf(schema: JsonSchema): TextType["base"] | undefined {
  const { type, enum: values, anyOf, oneOf } = schema;
  if (typeof type === "string") return scalars.has(type) ? (type as TextType["base"]) : undefined;
  if (type !== undefined) return undefined;
  if ("const" in schema) return baseOf([schema["const"]]);
  if (Array.isArray(values)) return baseOf(values);
  const choices = anyOf ?? oneOf;
  if (!Array.isArray(choices)) return undefined;
  const bases = new Set(choices.map((choice) => (isSchema(choice) ? scalarOf(choice) : undefined)));
  return bases.size === 1 ? [...bases][0] : undefined;
}

function baseOf(values: readonly unknown[]): TextType["base"] | undefined {
  const types = new Set(values.map((value) => typeof value));
  const [type] = types;
  return types.size === 1 && scalars.has(type) ? (type as TextType["base"]) : undefined;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands for a text that is no such value. */
export const unfit: unique symbol = Symbol("unfit");

/** The value that a text is; `unfit` when it is none. */
export function readText(base: TextType["base"], text: string): unknown {
  switch (base) {
    case "string":
      return text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : unfit;
    case "integer":
      return /^-?(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : unfit;
    case "number":
      return numberIn(text);
  }
}

/** As JSON writes numbers, which JavaScript does too; 40 characters are more than any of them needs. */
function numberIn(text: string): unknown {
  if (text.length > 40 || !/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return unfit;
  const value = Number(text);
  return Number.isFinite(value) ? value : unfit;
}

/** A value as text, for `readText` to read again; undefined when it cannot be written so. */
export function writeText(base: TextType["base"], value: unknown): string | undefined {
  if (base === "string") return typeof value === "string" ? value : undefined;
  if (base === "boolean") return typeof value === "boolean" ? String(value) : undefined;
  return typeof value === "number" && Number.isFinite(value) ? String(value) : undefined;
}
