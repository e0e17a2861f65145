import { isBytes, type JsonSchema } from "../../../base/contract-shape.ts";
import { textType } from "./text.ts";

/** A field of an input, as its schema tells it. */
export interface Field {
  readonly name: string;
  /** Without references. */
  readonly schema: JsonSchema;
  readonly required: boolean;
  /** It can stand in a path, a query or a header. */
  readonly text: boolean;
}

/**
 * What an input is made of, for the binding: `nothing`; one value that is text; bytes; an object whose fields are known; or
 * some value of which no more is known.
 */
export type Form =
  | { readonly is: "nothing" }
  | { readonly is: "text"; readonly schema: JsonSchema }
  | { readonly is: "bytes" }
  | { readonly is: "object"; readonly fields: ReadonlyMap<string, Field>; readonly open: boolean }
  | { readonly is: "value"; readonly unknown: boolean };

export function formOf(given: JsonSchema | undefined): Form {
  if (given === undefined) return { is: "nothing" };
  if (isBytes(given)) return { is: "bytes" };
  const schema = resolve(given, given);
  if (schema === undefined) return { is: "value", unknown: false };
  const type = textType(schema);
  if (type !== undefined && !type.many) return { is: "text", schema };
  if (schema["type"] !== "object" || combined(schema))
    return { is: "value", unknown: saysNothing(schema) };
  return { is: "object", fields: fieldsOf(schema, given), open: isOpen(schema) };
}

function fieldsOf(schema: JsonSchema, root: JsonSchema): ReadonlyMap<string, Field> {
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const fields = new Map<string, Field>();
  for (const [name, property] of Object.entries(properties)) {
    const told = resolveField(property, root);
    const text = textType(told) !== undefined;
    fields.set(name, { name, schema: told, required: required.has(name), text });
  }
  return fields;
}

/** A field that is text, or a list of texts, stands for itself; of others nothing but that they are there is needed. */
function resolveField(property: JsonSchema, root: JsonSchema): JsonSchema {
  const schema = resolve(property, root) ?? property;
  const { items } = schema;
  if (schema["type"] !== "array" || typeof items !== "object" || items === null) return schema;
  return { ...schema, items: resolve(items as JsonSchema, root) ?? items };
}

/** References followed before one is taken for endless. */
const referencesMax = 16;

function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema | undefined {
  let current: JsonSchema = schema;
  for (let followed = 0; followed < referencesMax; followed++) {
    const reference = current["$ref"];
    if (reference === undefined) return current;
    const target = typeof reference === "string" ? at(reference, root) : undefined;
    if (target === undefined) return undefined;
    const { $ref: _, ...beside } = current;
    current = { ...target, ...beside };
  }
  return undefined;
}

function at(reference: string, root: JsonSchema): JsonSchema | undefined {
  if (!reference.startsWith("#")) return undefined;
  let found: unknown = root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    if (typeof found !== "object" || found === null) return undefined;
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    found = Object.hasOwn(found, name) ? (found as Record<string, unknown>)[name] : undefined;
  }
  return typeof found === "object" && found !== null ? (found as JsonSchema) : undefined;
}

/** One of several forms: which fields there are is not known before the value is. */
function combined(schema: JsonSchema): boolean {
  return ["anyOf", "oneOf", "allOf", "if", "dependentSchemas"].some((word) => word in schema);
}

/** It takes fields of other names too. */
function isOpen(schema: JsonSchema): boolean {
  const { additionalProperties, patternProperties, propertyNames } = schema;
  const others = additionalProperties !== undefined && additionalProperties !== false;
  return others || patternProperties !== undefined || propertyNames !== undefined;
}

function saysNothing(schema: JsonSchema): boolean {
  return Object.keys(schema).every((word) => ["$comment", "description", "title"].includes(word));
}
