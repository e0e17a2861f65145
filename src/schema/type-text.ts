import type { JsonSchema } from "../base/contract-shape.ts";
import { definitionIn, isRecord } from "./dialect.ts";
import { commentText, fieldText, quotedText, typeName } from "./source-text.ts";

/** Types nested deeper than this are `unknown`: nobody reads them, and a hostile document has no end. */
const depthMax = 40;
/** TypeScript types of JSON Schemas, as text: what `trunkline import` writes. */
export interface TypeTexts {
  /** The type of a schema: `Pet[]`, `{ name: string; tag?: string }`. */
  type(schema: JsonSchema | boolean): string;
  /** The name by which the type of a definition goes, whatever the document calls it. */
  name(definition: string): string;
  /** `export type Pet = …` for all definitions, in their order. */
  declarations(): string;
}

/**
 * Types of schemas in draft 2020-12 that share `definitions` (`#/$defs/NAME`). Exact where TypeScript has a word for it, wider where it has
 * none (`minLength`, `not`, `if`). Whatever the document holds, what comes out are types and comments, never code.
 */
export function typeTexts(definitions: Readonly<Record<string, JsonSchema>>): TypeTexts {
  const names = namesOf(Object.keys(definitions));
  const writer = new TypeWriter(definitions, names);
  return {
    type: (schema) => writer.type(schema, { depth: 0, indent: "", of: undefined }),
    name: (definition) => names.get(definition) ?? "unknown",
    declarations: () => [...names].map(([of, name]) => writer.declaration(of, name)).join("\n"),
  };
}

/** The type of one schema that stands alone, the definitions in it written out as types before it. */
export function typeText(schema: JsonSchema, name: string): string {
  const { $defs, ...rest } = schema;
  const definitions = isRecord($defs) ? ($defs as Record<string, JsonSchema>) : {};
  return typeTexts({ [name]: rest, ...definitions }).declarations();
}

interface Place {
  readonly depth: number;
  readonly indent: string;
  /** The definition whose own type is being written and which no object or list lies around yet: it cannot name itself there. */
  readonly of: string | undefined;
}

class TypeWriter {
  readonly #definitions: Readonly<Record<string, JsonSchema>>;
  readonly #names: ReadonlyMap<string, string>;
  readonly #bare = new Map<string, ReadonlySet<string>>();

  constructor(
    definitions: Readonly<Record<string, JsonSchema>>,
    names: ReadonlyMap<string, string>,
  ) {
    this.#definitions = definitions;
    this.#names = names;
  }

  declaration(of: string, name: string): string {
    const schema = this.#definitions[of]!;
    const text = this.type(schema, { depth: 0, indent: "", of });
    const plain = text.startsWith("{") && closes(text) === text.length - 1;
    const written = plain ? `interface ${name} ${text}` : `type ${name} = ${text};`;
    return `${commentText(schema, "")}export ${written}\n`;
  }

  type(schema: JsonSchema | boolean, place: Place): string {
    if (schema === false) return "never";
    if (!isRecord(schema) || place.depth > depthMax) return "unknown";
    const deeper = { ...place, depth: place.depth + 1 };
    const parts: string[] = [];
    const own = this.#own(schema, deeper);
    if (own !== undefined) parts.push(own);
    if (typeof schema["$ref"] === "string") parts.push(this.#reference(schema["$ref"], place));
    for (const keyword of ["anyOf", "oneOf"]) {
      const choices = schema[keyword];
      if (Array.isArray(choices)) parts.push(union(choices.map((each) => this.type(each, deeper))));
    }
    const all = schema["allOf"];
    if (Array.isArray(all)) parts.push(...all.map((each) => this.type(each, deeper)));
    const said = [...new Set(parts)].filter((part) => part !== "unknown");
    if (said.length < 2) return said[0] ?? "unknown";
    return said.map((part) => (outer(part, "|") ? `(${part})` : part)).join(" & ");
  }

  /** What the schema says without its references and choices; undefined: nothing. */
  #own(schema: JsonSchema, place: Place): string | undefined {
    const { type, contentMediaType } = schema;
    if (type === undefined && contentMediaType === "application/octet-stream") return "Uint8Array";
    if ("const" in schema) return literalType(schema["const"], 0);
    if (Array.isArray(schema["enum"]))
      return union(schema["enum"].map((value) => literalType(value, 0)));
    if (Array.isArray(type)) return union(type.map((each) => this.#typed(each, schema, place)));
    if (typeof type === "string") return this.#typed(type, schema, place);
    // Many documents say what an object has and forget to say that it is one.
    if (isRecord(schema["properties"]) || isRecord(schema["additionalProperties"]))
      return this.#object(schema, place);
    if (Array.isArray(schema["prefixItems"]) || isRecord(schema["items"]))
      return this.#list(schema, place);
    return undefined;
  }

  #typed(type: unknown, schema: JsonSchema, place: Place): string {
    switch (type) {
      case "string":
      case "boolean":
      case "number":
      case "null":
        return type;
      case "integer":
        return "number";
      case "array":
        return this.#list(schema, place);
      case "object":
        return this.#object(schema, place);
      default:
        return "unknown";
    }
  }

  #list({ items, prefixItems, minItems }: JsonSchema, around: Place): string {
    const place = { ...around, of: undefined };
    const rest = items === undefined ? "unknown" : this.type(items as JsonSchema | boolean, place);
    if (!Array.isArray(prefixItems))
      return /[|&]/.test(rest) && (outer(rest, "|") || outer(rest, "&"))
        ? `(${rest})[]`
        : `${rest}[]`;
    const least = typeof minItems === "number" ? minItems : 0;
    const places = prefixItems.map((each, index) => {
      const text = this.type(each, place);
      if (index < least) return text;
      return outer(text, "|") || outer(text, "&") ? `(${text})?` : `${text}?`;
    });
    return `[${[...places, ...(rest === "never" ? [] : [`...(${rest})[]`])].join(", ")}]`;
  }

  #object(schema: JsonSchema, around: Place): string {
    const { properties, required, additionalProperties } = schema;
    const place = { ...around, of: undefined, indent: `${around.indent}  ` };
    const needed = new Set(Array.isArray(required) ? required.map(String) : []);
    const known = Object.entries(isRecord(properties) ? properties : {});
    const fields = known.map(([name, field]) => {
      const type = this.type(field as JsonSchema, place);
      return { name, type, needed: needed.has(name), comment: commentText(field, place.indent) };
    });
    for (const name of needed) {
      if (known.some(([each]) => each === name)) continue;
      fields.push({ name, type: "unknown", needed: true, comment: "" });
    }
    const lines = fields.map(
      (field) =>
        `${field.comment}${place.indent}${fieldText(field.name)}${field.needed ? "" : "?"}: ${field.type};`,
    );
    const others = this.#others(additionalProperties, fields, place);
    if (others !== undefined) lines.push(`${place.indent}[name: string]: ${others};`);
    if (lines.length === 0) return "{ [name: string]: never }";
    return `{\n${lines.join("\n")}\n${around.indent}}`;
  }

  /** The type of fields that have no name in the schema; it has to take in those that have one. */
  #others(
    additional: unknown,
    fields: readonly { readonly type: string; readonly needed: boolean }[],
    place: Place,
  ): string | undefined {
    if (additional === false) return undefined;
    if (!isRecord(additional) || Object.keys(additional).length === 0)
      return fields.length === 0 ? "unknown" : undefined;
    const types = [this.type(additional, place), ...fields.map(({ type }) => type)];
    const absent = fields.some(({ needed }) => !needed) ? ["undefined"] : [];
    return union([...types, ...absent]);
  }

  #reference(ref: string, { of }: Place): string {
    const target = definitionIn(ref);
    const name = target === undefined ? undefined : this.#names.get(target);
    // What points into a definition, or nowhere, has no name.
    if (target === undefined || name === undefined || ref.split("/").length > 3) return "unknown";
    return of !== undefined && (target === of || this.#barely(target).has(of)) ? "unknown" : name;
  }

  /** The definitions that a definition is, with no object or list between: a circle of those is no type. */
  #barely(definition: string): ReadonlySet<string> {
    const cached = this.#bare.get(definition);
    if (cached !== undefined) return cached;
    const found = new Set<string>();
    this.#bare.set(definition, found);
    const open = [definition];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const target of bareTargets(this.#definitions[next], 0)) {
        if (found.has(target) || !this.#names.has(target)) continue;
        found.add(target);
        open.push(target);
      }
    }
    return found;
  }
}

function bareTargets(schema: unknown, depth: number): string[] {
  if (!isRecord(schema) || depth > depthMax) return [];
  const target = typeof schema["$ref"] === "string" ? definitionIn(schema["$ref"]) : undefined;
  const inner = ["allOf", "anyOf", "oneOf"].flatMap((keyword) => {
    const parts = schema[keyword];
    return Array.isArray(parts) ? parts.flatMap((part) => bareTargets(part, depth + 1)) : [];
  });
  return target === undefined ? inner : [target, ...inner];
}

function union(types: readonly string[]): string {
  const said = [...new Set(types)].filter((type) => type !== "never");
  if (said.includes("unknown")) return "unknown";
  if (said.length === 0) return "never";
  if (said.length === 1) return said[0]!;
  return said.map((type) => (outer(type, "&") ? `(${type})` : type)).join(" | ");
}

/** Whether `operator` stands in the text outside of all brackets and texts. */
function outer(text: string, operator: "|" | "&"): boolean {
  let open = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index]!;
    if (char === '"') index = endOfText(text, index);
    else if (text.startsWith("/*", index)) index = text.indexOf("*/", index) + 1;
    else if ("{[(".includes(char)) open++;
    else if ("}])".includes(char)) open--;
    else if (char === operator && open === 0) return true;
  }
  return false;
}

/** Where the bracket closes with which the text begins. */
function closes(text: string): number {
  let open = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index]!;
    if (char === '"') index = endOfText(text, index);
    else if (text.startsWith("/*", index)) index = text.indexOf("*/", index) + 1;
    else if ("{[(".includes(char)) open++;
    else if ("}])".includes(char) && --open === 0) return index;
  }
  return -1;
}

function endOfText(text: string, from: number): number {
  let index = from + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
  return index;
}

function literalType(value: unknown, depth: number): string {
  if (depth > depthMax) return "unknown";
  if (Array.isArray(value))
    return `[${value.map((each) => literalType(each, depth + 1)).join(", ")}]`;
  if (isRecord(value)) {
    const fields = Object.entries(value).map(
      ([name, each]) => `${fieldText(name)}: ${literalType(each, depth + 1)}`,
    );
    return fields.length === 0 ? "{ [name: string]: never }" : `{ ${fields.join("; ")} }`;
  }
  if (typeof value === "string") return quotedText(value);
  // -0 and Infinity are no types.
  return typeof value === "number" && !Number.isFinite(value) ? "number" : String(value);
}

/** Types that the names of definitions must not hide. */
const taken: ReadonlySet<string> = new Set(["Uint8Array"]);

function namesOf(definitions: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  const used = new Set(taken);
  for (const definition of definitions) {
    const name = typeName(definition);
    let free = name;
    for (let count = 2; used.has(free); count++) free = `${name}${count}`;
    used.add(free);
    names.set(definition, free);
  }
  return names;
}
