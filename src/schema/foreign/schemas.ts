import type { JsonSchema } from "../../base/contract-shape.ts";
import { isTrunklineError } from "../../base/error.ts";
import {
  definitionIn,
  expression,
  heldBy,
  inNewestDraft,
  isRecord,
  pointerTokens,
  readSchema,
} from "../dialect.ts";
import { jsonSchema } from "../json-schema.ts";
import { refused, type Fields, type Source } from "./source.ts";

/** Definitions of one document: more than the largest public API has. */
const definitionsMax = 20_000;
/** Deeper than schemas may be anyway. */
const depthMax = 140;

/** Data deeper than this (defaults, constants) is no data that somebody means. */
const dataDepthMax = 32;

/** Keywords that hold no schemas and say something of values, or to people. All others are left out. */
const plainKeywords: ReadonlySet<string> = new Set(
  `$ref type format title description deprecated readOnly writeOnly nullable required dependentRequired
  minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern contentEncoding
  contentMediaType minItems maxItems uniqueItems minContains maxContains minProperties maxProperties`.split(
    /\s+/,
  ),
);
const dataKeywords: ReadonlySet<string> = new Set([
  "const",
  "default",
  "enum",
  "example",
  "examples",
]);

/** The schemas of a document in draft 2020-12, what several share as definitions. What cannot be read says nothing, with a warning. */
export class Schemas {
  readonly definitions: Record<string, JsonSchema> = {};
  readonly #source: Source;
  /** Pointer → name. */
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** Definitions that are referred to and not read yet. */
  readonly #open: string[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  /** A schema as it is used somewhere; `where` names that place in warnings. */
  read(given: unknown, where: string): JsonSchema {
    const schema = this.#plain(given, where);
    for (let pointer = this.#open.pop(); pointer !== undefined; pointer = this.#open.pop())
      this.definitions[this.#names.get(pointer)!] = this.#plain(
        this.#source.find(pointer),
        pointer,
      );
    return schema;
  }

  /** The same with its own references followed: what it is, not what it is called. */
  resolved(schema: JsonSchema): JsonSchema {
    let at = schema;
    for (let followed = 0; followed < 16; followed++) {
      const { $ref, ...beside } = at;
      if (typeof $ref !== "string") return at;
      const name = definitionIn($ref);
      const target = name === undefined ? undefined : this.definitions[name];
      if (target === undefined) return {};
      at = { ...target, ...beside };
    }
    return {};
  }

  /** The definitions that schemas refer to, directly or not. */
  reached(schemas: readonly JsonSchema[]): Record<string, JsonSchema> {
    const found: Record<string, JsonSchema> = {};
    const open: unknown[] = [...schemas];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (typeof next !== "object" || next === null) continue;
      for (const part of Object.values(next)) if (part !== undefined) open.push(part);
      const ref = (next as Fields)["$ref"];
      const name = typeof ref === "string" ? definitionIn(ref) : undefined;
      const target = name === undefined ? undefined : this.definitions[name];
      if (name === undefined || target === undefined || Object.hasOwn(found, name)) continue;
      found[name] = target;
      open.push(target);
    }
    return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #plain(given: unknown, where: string): JsonSchema {
    const { schema, problems } = readSchema(this.#kept(given, where, 0), this.#source.dialect);
    const problem = problems.length > 0 ? problems.join("; ") : malformed(schema);
    if (problem === undefined) return lenient(schema);
    this.#source.warn(where, `its schema is not checked: ${problem}`);
    return {};
  }

  /** The same schema with references to definitions, and without what cannot be kept. */
  #kept(given: unknown, where: string, depth: number): unknown {
    if (!isRecord(given) || depth > depthMax) return given;
    const inside = (part: unknown): unknown => this.#kept(part, where, depth + 1);
    // Before references are followed: some keywords of older drafts hold schemas where newer ones do not.
    const written = this.#source.dialect === "draft-07" ? inNewestDraft(given, "draft-07") : given;
    const kept = Object.entries(written).flatMap(([keyword, part]): [string, unknown][] => {
      const held = heldBy(keyword);
      if (held === "schema") return [[keyword, inside(part)]];
      if (held === "list" && Array.isArray(part)) return [[keyword, part.map(inside)]];
      if (held === "map" && isRecord(part)) {
        const entries = Object.entries(part).map(([name, each]) => [name, inside(each)]);
        return [[keyword, Object.fromEntries(entries)]];
      }
      const value = this.#value(keyword, part, where);
      return value === undefined ? [] : [[keyword, value]];
    });
    return Object.fromEntries(kept);
  }

  /** What a keyword says that holds no schemas; undefined: nothing that is kept. */
  #value(keyword: string, part: unknown, where: string): unknown {
    if (keyword === "$ref") return this.#reference(part, where);
    if (keyword === "pattern" && typeof part === "string" && expression(part) === undefined) {
      this.#source.warn(where, `the pattern ${part.slice(0, 60)} is none of JavaScript`);
      return undefined;
    }
    if (dataKeywords.has(keyword) && !isDeep(part)) return part;
    return plainKeywords.has(keyword) && !isDeep(part) ? part : undefined;
  }

  /** `#/components/schemas/Pet` → `#/$defs/Pet`. */
  #reference(ref: unknown, where: string): string | undefined {
    const target = typeof ref === "string" ? this.#source.find(ref) : undefined;
    if (typeof ref === "string" && (isRecord(target) || typeof target === "boolean"))
      return `#/$defs/${this.#define(ref)}`;
    const told = (JSON.stringify(ref) ?? "").slice(0, 100);
    const inside = typeof ref === "string" && ref.startsWith("#");
    const what = inside ? "points to nothing" : "points outside the document";
    this.#source.warn(where, `the reference ${told} ${what}`);
    return undefined;
  }

  #define(pointer: string): string {
    const known = this.#names.get(pointer);
    if (known !== undefined) return known;
    if (this.#names.size >= definitionsMax)
      throw refused(`the document has more than ${definitionsMax} schemas`);
    const told = pointerTokens(pointer.slice(1)).at(-1) ?? "document";
    const wish = told.replaceAll(/[^\w.-]+/g, "_").slice(0, 100);
    const base = wish === "" || wish === "__proto__" ? "schema" : wish;
    let name = base;
    for (let count = 2; this.#taken.has(name); count++) name = `${base}-${count}`;
    this.#names.set(pointer, name);
    this.#taken.add(name);
    this.#open.push(pointer);
    return name;
  }
}

/** What the draft says against a schema. What it refers to is looked at by itself. */
function malformed(schema: JsonSchema): string | undefined {
  try {
    jsonSchema(mapped(schema, withoutReference));
    return undefined;
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    return error.reason;
  }
}

function withoutReference(schema: JsonSchema): JsonSchema {
  const { $ref: _, ...rest } = schema;
  return rest;
}

function isDeep(value: unknown, depth: number = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth > dataDepthMax || Object.values(value).some((each) => isDeep(each, depth + 1));
}

/**
 * What only one side may set is not asked of the other: fields that are `readOnly` or `writeOnly` may be left out in both
 * directions, so that one type serves both.
 */
function lenient(schema: JsonSchema): JsonSchema {
  return mapped(schema, (each) => {
    const { properties, required, ...rest } = each;
    if (!isRecord(properties) || !Array.isArray(required)) return each;
    const needed = required.filter((name) => {
      const field: unknown = Object.hasOwn(properties, String(name))
        ? properties[String(name)]
        : {};
      return !isRecord(field) || (field["readOnly"] !== true && field["writeOnly"] !== true);
    });
    return needed.length === 0
      ? { ...rest, properties }
      : { ...rest, properties, required: needed };
  });
}

/** Each schema in a schema changed, the innermost first. */
function mapped(schema: JsonSchema, change: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const inside = (part: unknown): unknown => (isRecord(part) ? mapped(part, change) : part);
  const entries = Object.entries(schema).map(([keyword, part]) => {
    const held = heldBy(keyword);
    if (held === "schema") return [keyword, inside(part)];
    if (held === "list" && Array.isArray(part)) return [keyword, part.map(inside)];
    if (held !== "map" || !isRecord(part)) return [keyword, part];
    const named = Object.entries(part).map(([name, each]) => [name, inside(each)]);
    return [keyword, Object.fromEntries(named)];
  });
  return change(Object.fromEntries(entries) as JsonSchema);
}
