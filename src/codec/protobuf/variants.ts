import type { JsonSchema } from "../../base/contract-shape.ts";
import type { FieldModel } from "./model.ts";
import {
  isRecord,
  propertiesOf,
  requiredOf,
  resolved,
  textOf,
  variantsOf,
  type Root,
} from "./schema-reading.ts";

/** How well a value fits a schema: not at all; with properties that the schema does not name; wholly. */
type Fit = 0 | 1 | 2;

/** How deep a value is looked at to find its variant: what lies deeper is believed. */
const lookDepthMax = 16;

/**
 * Which of the fields of a union holds a value: the first whose schema it fits wholly, else the first that it fits with
 * properties to spare, as a validator would have it.
 */
export function chooser(
  fields: readonly FieldModel[],
  schemas: readonly unknown[],
  root: Root,
): (value: unknown) => FieldModel | undefined {
  const told = tagged(schemas, root);
  if (told !== undefined) {
    const { key, names } = told;
    const byTag = new Map(names.map((value, index) => [value, fields[index]!]));
    return (value) => (isRecord(value) ? byTag.get(value[key]) : undefined);
  }
  const byKind = new Map(
    valueKinds.map((kind) => [
      kind,
      schemas.flatMap((schema, index) => (kindsOf(schema, root).includes(kind) ? index : [])),
    ]),
  );
  return (value) => {
    const candidates = byKind.get(kindOf(value)) ?? [];
    // The usual case: no schema is looked at for a value.
    if (candidates.length < 2) return fields[candidates[0] ?? -1];
    let spare: FieldModel | undefined;
    for (const index of candidates) {
      const fit = fits(value, schemas[index], root, 0);
      if (fit === 2) return fields[index];
      if (fit === 1) spare ??= fields[index];
    }
    return spare;
  };
}

/** What a value can be in JSON, so far as it can be told without looking into it. */
const valueKinds: readonly string[] = ["string", "number", "boolean", "array", "object", "null"];

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** What the values of a schema can be; all, where it does not say. */
function kindsOf(given: unknown, root: Root): readonly string[] {
  const schema = resolved(given, root)?.schema;
  const variants = schema && variantsOf(schema);
  if (variants !== undefined || typeof schema?.["type"] !== "string") return valueKinds;
  return [schema["type"] === "integer" ? "number" : schema["type"]];
}

/** What a variant is called: as its schema is, by the constant that tells it from the others (`tag`), else by its type. */
export function variantName(variant: unknown, root: Root, tag: unknown): string {
  const found = resolved(variant, root);
  if (found === undefined) return "any";
  const { schema, name } = found;
  const told = name ?? textOf(schema["title"]);
  if (told !== undefined) return told;
  if ("const" in schema) return textFor(schema["const"]);
  if (tag !== undefined) return textFor(tag);
  const { type } = schema;
  return typeof type === "string" ? type : "any";
}

/** The property by which all the variants, objects, can be told apart, and its value in each of them. */
export function tagged(
  schemas: readonly unknown[],
  root: Root,
): { readonly key: string; readonly names: readonly unknown[] } | undefined {
  const all = schemas.map((schema) => {
    const found = resolved(schema, root)?.schema;
    return found?.["type"] === "object" ? constantsOf(found) : new Map<string, unknown>();
  });
  for (const key of all[0]?.keys() ?? []) {
    const names = all.map((constants) => constants.get(key));
    if (!names.includes(undefined) && new Set(names).size === names.length) return { key, names };
  }
  return undefined;
}

/** The required properties that can have one value only. */
function constantsOf(schema: JsonSchema): ReadonlyMap<string, unknown> {
  const required = requiredOf(schema);
  const constants = new Map<string, unknown>();
  for (const [key, property] of Object.entries(propertiesOf(schema))) {
    if (!isRecord(property) || !required.includes(key)) continue;
    const { const: constant, enum: allowed } = property;
    if (constant !== undefined) constants.set(key, constant);
    else if (Array.isArray(allowed) && allowed.length === 1) constants.set(key, allowed[0]);
  }
  return constants;
}

function fits(value: unknown, given: unknown, root: Root, depth: number): Fit {
  if (given === false) return 0;
  const schema = resolved(given, root)?.schema;
  if (schema === undefined || depth > lookDepthMax) return 2;
  const variants = variantsOf(schema);
  if (variants !== undefined) {
    const all = variants.map((variant) => fits(value, variant, root, depth + 1));
    return Math.max(...all) as Fit;
  }
  const { type, enum: allowed } = schema;
  if ("const" in schema && schema["const"] !== value) return 0;
  if (Array.isArray(allowed) && !allowed.includes(value)) return 0;
  const types = Array.isArray(type) ? (type as unknown[]) : [type];
  if (type !== undefined && !types.some((each) => isOfType(value, each))) return 0;
  if (Array.isArray(value)) return listFits(value, schema, root, depth);
  return isRecord(value) ? objectFits(value, schema, root, depth) : 2;
}

function listFits(
  list: readonly unknown[],
  { items, prefixItems, minItems, maxItems }: JsonSchema,
  root: Root,
  depth: number,
): Fit {
  if (typeof minItems === "number" && list.length < minItems) return 0;
  if (typeof maxItems === "number" && list.length > maxItems) return 0;
  const first = Array.isArray(prefixItems) ? prefixItems : [];
  let least: Fit = 2;
  for (const [index, item] of list.entries()) {
    const fit = fits(item, index < first.length ? first[index] : (items ?? true), root, depth + 1);
    if (fit < least) least = fit;
    if (least === 0) return 0;
  }
  return least;
}

function objectFits(value: JsonSchema, schema: JsonSchema, root: Root, depth: number): Fit {
  const properties = propertiesOf(schema);
  if (requiredOf(schema).some((key) => !Object.hasOwn(value, key) || value[key] === undefined))
    return 0;
  const { additionalProperties } = schema;
  let least: Fit = 2;
  for (const [key, property] of Object.entries(value)) {
    if (property === undefined) continue;
    let fit: Fit;
    if (Object.hasOwn(properties, key)) fit = fits(property, properties[key], root, depth + 1);
    else if (additionalProperties === undefined) fit = isRecord(schema["properties"]) ? 1 : 2;
    else fit = fits(property, additionalProperties, root, depth + 1);
    if (fit < least) least = fit;
    if (least === 0) return 0;
  }
  return least;
}

function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isRecord(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function textFor(constant: unknown): string {
  return typeof constant === "string" ? constant : JSON.stringify(constant);
}
