import type { JsonSchema } from "../base/contract-shape.ts";

/** How a schema is written: by JSON Schema itself, in its newest draft or as AsyncAPI has it, or as OpenAPI 3.0 has it (`nullable`, `exclusiveMinimum: true`, `example`). */
export type JsonSchemaDialect = "2020-12" | "draft-07" | "openapi-3.0";

/** How deep schemas may lie in each other; people's own need ten or twenty. Deeper ones exhaust the stack of whoever walks them. */
const depthMax = 128;
/** Schemas in one document or definition: more than the largest public API has in all of its definitions together. */
const schemasMax = 100_000;

/** A schema in draft 2020-12, and what there is to say of it. */
export interface Read {
  readonly schema: JsonSchema;
  /** Where its references point: `#/$defs/Pet`. */
  readonly refs: ReadonlySet<string>;
  readonly problems: readonly string[];
}

/** What keywords hold that hold schemas: one, a list of them, or several by name. */
const schemaKeywords: ReadonlyMap<string, "schema" | "list" | "map"> = new Map([
  ...`additionalProperties contains contentSchema else if items not propertyNames then
  unevaluatedItems unevaluatedProperties`
    .split(/\s+/)
    .map((keyword) => [keyword, "schema"] as const),
  ...["allOf", "anyOf", "oneOf", "prefixItems"].map((keyword) => [keyword, "list"] as const),
  ...["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"].map(
    (keyword) => [keyword, "map"] as const,
  ),
]);

/** What a keyword holds; undefined: no schemas. */
export function heldBy(keyword: string): "schema" | "list" | "map" | undefined {
  return schemaKeywords.get(keyword);
}

/** Rewrites a schema into draft 2020-12, and finds what cannot be read. Bounded, whatever it is given. */
export function readSchema(schema: unknown, dialect: JsonSchemaDialect): Read {
  const refs = new Set<string>();
  const problems: string[] = [];
  let schemas = 0;
  const walk = (value: unknown, path: string, depth: number): unknown => {
    if (typeof value === "boolean") return value;
    if (!isRecord(value))
      return refuse(`${near(path)} is no schema: write an object, true or false`);
    if (depth > depthMax) return refuse(`${near(path)} lies deeper than ${depthMax} schemas`);
    if (++schemas === schemasMax) refuse(`it has more than ${schemasMax} schemas`);
    if (schemas >= schemasMax) return {};
    const written = inNewestDraft(value, dialect);
    const entries = Object.entries(written).flatMap(([keyword, part]): [string, unknown][] => {
      const at = `${path}/${keyword}`;
      if (keyword === "$schema" || keyword === "nullable") return [];
      if (keyword === "$id") {
        if (depth > 0) refuse(`${near(at)}: schemas with addresses of their own are not read`);
        return [];
      }
      if (keyword === "$ref") refer(part, at);
      if (keyword === "pattern") check(part, at);
      const held = heldBy(keyword);
      if (held === "schema") return [[keyword, walk(part, at, depth + 1)]];
      if (held === "list" && Array.isArray(part))
        return [[keyword, part.map((each, index) => walk(each, `${at}/${index}`, depth + 1))]];
      if (held === "map" && isRecord(part)) {
        if (keyword === "patternProperties") for (const name of Object.keys(part)) check(name, at);
        return [[keyword, mapped(part, (each, name) => walk(each, `${at}/${name}`, depth + 1))]];
      }
      return [[keyword, part]];
    });
    return Object.fromEntries(entries);
  };
  const refuse = (problem: string): unknown => {
    if (problems.length < 20) problems.push(problem);
    return {};
  };
  const refer = (ref: unknown, at: string): void => {
    if (typeof ref !== "string" || !ref.startsWith("#"))
      refuse(
        `${near(at)} points outside, to ${quoted(ref)}: put what it means into the same document`,
      );
    else refs.add(ref);
  };
  const check = (pattern: unknown, at: string): void => {
    if (typeof pattern === "string" && expression(pattern) === undefined)
      refuse(`${near(at)}: ${quoted(pattern)} is no regular expression of JavaScript`);
  };
  const read = walk(schema, "#", 0);
  return { schema: isRecord(read) ? read : read === false ? { not: {} } : {}, refs, problems };
}

/**
 * The regular expression of a `pattern`: with Unicode as JSON Schema asks, and without where only that can be read, because many
 * public documents escape what needs none (`\-`).
 */
export function expression(pattern: string): RegExp | undefined {
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(pattern, flags);
    } catch {
      // The other way of reading is tried.
    }
  }
  return undefined;
}

/** One schema object in the words of draft 2020-12; what lies inside it is read on its own. Of what is written so already it changes nothing. */
export function inNewestDraft(schema: JsonSchema, dialect: JsonSchemaDialect): JsonSchema {
  if (dialect === "openapi-3.0") return fromOpenApi30(schema);
  return dialect === "draft-07" ? fromDraft07(schema) : schema;
}

/** One schema object of draft 07 (https://json-schema.org/draft-07). */
function fromDraft07(schema: JsonSchema): JsonSchema {
  const { items, additionalItems, dependencies, ...rest } = schema;
  const read: Record<string, unknown> = { ...rest };
  if (Array.isArray(items)) {
    read["prefixItems"] = items;
    if (additionalItems !== undefined) read["items"] = additionalItems;
  } else if (items !== undefined) read["items"] = items;
  if (isRecord(dependencies)) {
    const entries = Object.entries(dependencies);
    const required = entries.filter(([, part]) => Array.isArray(part));
    const schemas = entries.filter(([, part]) => !Array.isArray(part));
    if (required.length > 0) read["dependentRequired"] = Object.fromEntries(required);
    if (schemas.length > 0) read["dependentSchemas"] = Object.fromEntries(schemas);
  }
  return read;
}

/** One schema object of OpenAPI 3.0; what lies inside it is read on its own. */
function fromOpenApi30(schema: JsonSchema): JsonSchema {
  // Beside a reference 3.0 reads nothing.
  if ("$ref" in schema) return { $ref: schema["$ref"] };
  const { nullable, example, exclusiveMinimum, exclusiveMaximum, ...rest } = schema;
  const read: Record<string, unknown> = { ...rest };
  if (example !== undefined && !("examples" in read)) read["examples"] = [example];
  exclude(read, "minimum", "exclusiveMinimum", exclusiveMinimum);
  exclude(read, "maximum", "exclusiveMaximum", exclusiveMaximum);
  return nullable === true ? orNull(read) : read;
}

function exclude(
  schema: Record<string, unknown>,
  bound: string,
  excluded: string,
  told: unknown,
): void {
  if (typeof told === "number") schema[excluded] = told;
  if (told !== true) return;
  schema[excluded] = schema[bound];
  delete schema[bound];
}

/** 3.0 means `type` alone by `nullable`; around `allOf` and the like its authors mean null too, so it is read so. */
function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: allowed } = schema;
  if (typeof type !== "string") {
    const { description, examples, default: absent, ...rest } = schema;
    const about = Object.entries({ description, examples, default: absent });
    const told = Object.fromEntries(about.filter(([, value]) => value !== undefined));
    return Object.keys(rest).length === 0 ? told : { ...told, anyOf: [rest, { type: "null" }] };
  }
  const values = Array.isArray(allowed) && !allowed.includes(null) ? [...allowed, null] : allowed;
  return { ...schema, type: [type, "null"], ...(values === undefined ? {} : { enum: values }) };
}

function mapped(
  record: JsonSchema,
  change: (value: unknown, name: string) => unknown,
): Record<string, unknown> {
  // Not by assignment: "__proto__" is a name like any other.
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, change(value, name)]),
  );
}

/** Plain data with names. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The end of a long path tells more than its beginning. */
function near(path: string): string {
  return path.length <= 80 ? path : `#…${path.slice(-70)}`;
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}

/** The names in a JSON pointer (RFC 6901) as references write it: `/$defs/a~1b` → `$defs`, `a/b`. */
export function pointerTokens(pointer: string): string[] {
  return pointer.split("/").slice(1).map(unescape);
}

/** `Pet` of `#/$defs/Pet` and of `#/$defs/Pet/properties/name`. */
export function definitionIn(ref: string): string | undefined {
  const token = /^#\/\$defs\/([^/]*)/.exec(ref)?.[1];
  return token === undefined ? undefined : unescape(token);
}

function unescape(token: string): string {
  let text = token;
  try {
    text = decodeURIComponent(token);
  } catch {
    // It is no address, then: it is read as it stands.
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}
