import type { JsonSchema } from "../../../../base/contract-shape.ts";
import { isRecord } from "../../../../schema/dialect.ts";

/** Samples deeper than this end: nobody reads them, and schemas may be circular. */
const depthMax = 5;

/** A value as an example of a schema: its own example where it has one, else something of the right form. */
export function sampleOf(
  schema: unknown,
  components: Readonly<Record<string, unknown>>,
  depth: number = 0,
): unknown {
  if (!isRecord(schema) || depth > depthMax) return null;
  const { $ref, examples, example, const: only, enum: allowed, default: usual } = schema;
  if (typeof $ref === "string") {
    const name = $ref.slice($ref.lastIndexOf("/") + 1);
    return sampleOf(Object.hasOwn(components, name) ? components[name] : {}, components, depth + 1);
  }
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  if (example !== undefined) return example;
  if (only !== undefined) return only;
  if (Array.isArray(allowed) && allowed.length > 0) return allowed[0];
  if (usual !== undefined) return usual;
  const choices = schema["oneOf"] ?? schema["anyOf"];
  if (Array.isArray(choices) && choices.length > 0)
    return sampleOf(choices[0], components, depth + 1);
  const all = schema["allOf"];
  if (Array.isArray(all)) {
    const parts = all.map((each) => sampleOf(each, components, depth + 1)).filter(isRecord);
    return Object.assign({}, ...parts) as unknown;
  }
  return typed(schema, components, depth);
}

function typed(
  schema: JsonSchema,
  components: Readonly<Record<string, unknown>>,
  depth: number,
): unknown {
  const { type, properties, items, minimum, exclusiveMinimum } = schema;
  const one: unknown = Array.isArray(type)
    ? type[0]
    : (type ?? (isRecord(properties) ? "object" : undefined));
  switch (one) {
    case "string":
      return textOf(schema);
    case "integer":
    case "number":
      if (typeof minimum === "number") return Math.max(minimum, 1);
      return typeof exclusiveMinimum === "number" ? Math.max(exclusiveMinimum + 1, 1) : 1;
    case "boolean":
      return true;
    case "array":
      return [sampleOf(items, components, depth + 1)];
    case "object":
      return objectOf(schema, components, depth);
    default:
      return null;
  }
}

function objectOf(
  schema: JsonSchema,
  components: Readonly<Record<string, unknown>>,
  depth: number,
): unknown {
  const { properties, required } = schema;
  const needed = Array.isArray(required) ? required : [];
  const fields = Object.entries(isRecord(properties) ? properties : {}).filter(
    ([name]) => depth < 2 || needed.includes(name),
  );
  return Object.fromEntries(
    fields.map(([name, field]) => [name, sampleOf(field, components, depth + 1)]),
  );
}

const texts: Readonly<Record<string, string>> = {
  date: "2026-11-28",
  "date-time": "2026-11-28T12:00:00Z",
  email: "somebody@example.org",
  uri: "https://example.org/",
  uuid: "0193a1b2-0000-7000-8000-000000000000",
};

function textOf({ format, minLength }: JsonSchema): string {
  const known =
    typeof format === "string" && Object.hasOwn(texts, format) ? texts[format] : undefined;
  const text = known ?? "text";
  return typeof minLength === "number" && minLength < 100 ? text.padEnd(minLength, "x") : text;
}
