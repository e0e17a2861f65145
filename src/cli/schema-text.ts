import type { JsonSchema } from "../contract/json-schema.ts";

/** A JSON Schema as TypeScript would write it, short enough for a line of at most `charsMax`. */
export function schemaText(schema: JsonSchema | undefined, charsMax: number = 60): string {
  if (schema === undefined) return "nothing";
  const text = told(schema);
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}

function told(schema: JsonSchema): string {
  const { type, enum: allowed, const: only, anyOf, oneOf, $ref, contentMediaType } = schema;
  if (contentMediaType === "application/octet-stream") return "bytes";
  if (typeof $ref === "string") return $ref.slice($ref.lastIndexOf("/") + 1);
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(allowed)) return allowed.map((value) => JSON.stringify(value)).join(" | ");
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices))
    return choices.map((choice) => told(choice as JsonSchema)).join(" | ");
  if (Array.isArray(type))
    return type.map((one: unknown) => told({ ...schema, type: one })).join(" | ");
  switch (type) {
    case "array":
      return listText(schema);
    case "object":
      return objectText(schema);
    case "integer":
      return "number";
    default:
      return typeof type === "string" ? type : "any";
  }
}

function listText({ items, prefixItems }: JsonSchema): string {
  if (Array.isArray(prefixItems))
    return `[${prefixItems.map((item) => told(item as JsonSchema)).join(", ")}]`;
  const item = isSchema(items) ? told(items) : "any";
  return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
}

function objectText({ properties, required, additionalProperties }: JsonSchema): string {
  const needed = (required ?? []) as readonly string[];
  const fields = Object.entries((properties ?? {}) as Readonly<Record<string, JsonSchema>>).map(
    ([name, field]) => `${name}${needed.includes(name) ? "" : "?"}: ${told(field)}`,
  );
  if (isSchema(additionalProperties) && Object.keys(additionalProperties).length > 0)
    fields.push(`[name]: ${told(additionalProperties)}`);
  return fields.length === 0 ? "object" : `{ ${fields.join(", ")} }`;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
