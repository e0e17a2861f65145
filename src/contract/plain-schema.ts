import type { JsonSchema } from "./json-schema.ts";
import type { Issue, Schema } from "./schema.ts";

/**
 * A schema for plain JSON, said in JSON Schema: for the contracts of Trunkline itself, which has no schema library.
 * Reads `type`, `enum`, `properties`, `required`, `items` and `additionalProperties`; whatever else is said is not checked.
 * A value is handed on as it is, with the fields that a newer peer may have added.
 */
export function plainSchema<Value>(jsonSchema: JsonSchema): Schema<Value> {
  const told = (): Record<string, unknown> => ({ ...jsonSchema });
  return Object.freeze({
    "~standard": {
      version: 1,
      vendor: "trunkline",
      validate: (value: unknown) => {
        const issues = issuesOf(jsonSchema, value, []);
        return issues.length === 0 ? { value: value as Value } : { issues };
      },
      jsonSchema: { input: told, output: told },
    },
  } as const);
}

/** Tells a schema and checks nothing: for who hands values on to those who will check them. */
export function toldSchema(jsonSchema: JsonSchema): Schema {
  const told = (): Record<string, unknown> => ({ ...jsonSchema });
  return Object.freeze({
    "~standard": {
      version: 1,
      vendor: "trunkline",
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: told, output: told },
    },
  } as const);
}

type Path = readonly PropertyKey[];

function issuesOf(schema: JsonSchema, value: unknown, path: Path): Issue[] {
  const { type, enum: allowed, properties, required, items, additionalProperties } = schema;
  if (typeof type === "string" && types[type]?.(value) === false) {
    return [{ message: `expected ${type}`, path }];
  }
  if (Array.isArray(allowed) && !allowed.includes(value)) {
    return [{ message: `expected one of ${allowed.join(", ")}`, path }];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => issuesOf(schemaIn(items), item, [...path, index]));
  }
  if (typeof value !== "object" || value === null) return [];
  const missing = ((required ?? []) as readonly string[])
    .filter((name) => !Object.hasOwn(value, name))
    .map((name) => ({ message: "required", path: [...path, name] }));
  const named = (properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  const wrong = Object.entries(value).flatMap(([name, field]) => {
    const own = Object.hasOwn(named, name) ? named[name] : additionalProperties;
    return issuesOf(schemaIn(own), field, [...path, name]);
  });
  return [...missing, ...wrong];
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** Absent, or `true`: anything goes. */
function schemaIn(schema: unknown): JsonSchema {
  return typeof schema === "object" && schema !== null ? (schema as JsonSchema) : {};
}
