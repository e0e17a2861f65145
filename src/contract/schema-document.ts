import type { ContractShape, JsonSchema } from "../base/contract-shape.ts";

/**
 * Everything that a contract carries, in one JSON Schema document (draft 2020-12): a definition for each payload, named
 * `place.in`, `place.out`, `place.error.SOLD_OUT`. The document itself allows anything: refer to what you need, as
 * `#/$defs/place.in`.
 */
export function schemaDocument({ name, version, operations }: ContractShape): JsonSchema {
  const defined: Record<string, JsonSchema> = {};
  for (const [member, { head, in: input, out, errors = {} }] of Object.entries(operations)) {
    const payloads = Object.entries({ head, in: input, out });
    for (const [code, data] of Object.entries(errors)) {
      // An error without data has no value to describe.
      if (data !== null) payloads.push([`error.${code}`, data]);
    }
    for (const [part, schema] of payloads) {
      if (schema === undefined) continue;
      const id = `${member}.${part}`;
      defined[id] = moved(schema, `#/$defs/${id}`) as JsonSchema;
    }
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: name,
    $comment: `${name} ${version}`,
    $defs: defined,
  };
}

/** The schema as it reads within another document: its references lead through `place`. */
function moved(value: unknown, place: string): unknown {
  if (Array.isArray(value)) return value.map((part) => moved(part, place));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([keyword, part]) =>
      keyword === "$ref" && typeof part === "string" && part.startsWith("#")
        ? [keyword, `${place}${part.slice(1)}`]
        : [keyword, verbatim.has(keyword) ? part : moved(part, place)],
    ),
  );
}

/** What these hold is data, whatever it looks like. */
const verbatim: ReadonlySet<string> = new Set(["const", "enum", "default", "examples"]);
