import type { JsonSchema } from "../../../base/contract-shape.ts";
import { heldBy, isRecord, pointerTokens, readSchema } from "../../../schema/dialect.ts";
import { typeName } from "../../../schema/source-text.ts";
import { singular } from "../binding/verbs.ts";

/** A schema where it is used. */
interface Use {
  /** The whole of which `schema` is a part: its references point into this. */
  readonly root: JsonSchema;
  /** By what name it could go, the best first; a title comes before them. */
  readonly names: readonly string[];
}

/**
 * The schemas of a document under names: definitions, whatever is used twice, and what bodies are. Told of all uses first (`learn`), so that a
 * schema has the same name wherever it stands; then `place` gives each use its reference.
 */
export class Components {
  readonly #schemas = new Map<string, JsonSchema>();
  /** Content → name. */
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #wanted = new Map<string, readonly string[]>();
  readonly #reserved: ReadonlySet<string>;

  constructor(reserved: readonly string[]) {
    this.#reserved = new Set(reserved);
  }

  get schemas(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The first that wants a name for a schema gets it: say the most telling uses first. */
  learn(given: JsonSchema, names: readonly string[]): void {
    const schema = read(given);
    const content = contentOf(schema, schema);
    if (named(schema) && !this.#wanted.has(content)) this.#wanted.set(content, names);
    this.#count(schema, schema, 0);
  }

  /** The schema as it stands in the document: what has fields gets a name there, unless `inline` says that only what is repeated does. */
  place(given: JsonSchema, names: readonly string[], inline: boolean = false): JsonSchema {
    const root = read(given);
    return this.#walk(root, { root, names }, !inline, 0) as JsonSchema;
  }

  #count(schema: unknown, root: JsonSchema, depth: number): void {
    if (!isRecord(schema)) return;
    if (depth > 0 && named(schema)) {
      const content = contentOf(schema, root);
      this.#counts.set(content, (this.#counts.get(content) ?? 0) + 1);
    }
    for (const part of partsOf(schema)) this.#count(part, root, depth + 1);
  }

  #walk(schema: unknown, use: Use, whole: boolean, depth: number): unknown {
    if (!isRecord(schema)) return schema;
    if (named(schema)) {
      const content = contentOf(schema, use.root);
      const often = (this.#counts.get(content) ?? 0) > 1 || this.#wanted.has(content);
      if (whole || often) return this.#refer(schema, content, use, depth);
    }
    return this.#rewrite(schema, use, depth);
  }

  #refer(schema: JsonSchema, content: string, use: Use, depth: number): JsonSchema {
    const known = this.#names.get(content);
    if (known !== undefined) return refTo(known);
    const title = typeof schema["title"] === "string" ? [schema["title"]] : [];
    const name = this.#free([...title, ...(this.#wanted.get(content) ?? []), ...use.names]);
    // Before it is written: it may refer to itself.
    this.#names.set(content, name);
    this.#schemas.set(name, {});
    this.#schemas.set(name, this.#rewrite(schema, { ...use, names: [name] }, depth));
    return refTo(name);
  }

  /** What lies inside is placed; references lead to components. */
  #rewrite(schema: JsonSchema, use: Use, depth: number): JsonSchema {
    const inside = (part: unknown, key: string): unknown => {
      const names = use.names.map((name) => (key === "items" ? oneOf(name) : `${name} ${key}`));
      return this.#walk(part, { ...use, names }, false, depth + 1);
    };
    const { $ref, $defs: _, definitions: __, ...rest } = schema;
    const written = Object.entries(rest).map(([keyword, part]) => {
      const held = heldBy(keyword);
      if (held === "schema")
        return [keyword, inside(part, keyword === "items" ? keyword : "value")];
      if (held === "list" && Array.isArray(part))
        return [keyword, part.map((each, index) => inside(each, String(index + 1)))];
      if (held === "map" && isRecord(part)) {
        const entries = Object.entries(part).map(([name, each]) => [name, inside(each, name)]);
        return [keyword, Object.fromEntries(entries)];
      }
      return [keyword, part];
    });
    const told = Object.fromEntries(written) as JsonSchema;
    return typeof $ref === "string" ? { ...this.#follow($ref, use, depth), ...told } : told;
  }

  #follow(ref: string, use: Use, depth: number): JsonSchema {
    const { root } = use;
    const target = targetOf(ref, root);
    if (target === undefined) return {};
    const name = pointerTokens(ref.slice(1)).at(-1);
    // Names that libraries count up say nothing.
    const telling = name === undefined || countedUp.test(name) ? [] : [name];
    return this.#refer(
      target,
      contentOf(target, root),
      { root, names: [...telling, ...use.names] },
      depth,
    );
  }

  #free(wishes: readonly string[]): string {
    const names = wishes.map((wish) => typeName(wish).replaceAll("$", ""));
    const free = (name: string): boolean => !this.#schemas.has(name) && !this.#reserved.has(name);
    const found = names.find(free);
    if (found !== undefined) return found;
    const base = names[0] ?? "Value";
    for (let count = 2; ; count++) if (free(`${base}${count}`)) return `${base}${count}`;
  }
}

/** What one of a list is called: `order parts` → `order part`. */
function oneOf(name: string): string {
  const one = singular(name);
  return one === name ? `${name} item` : one;
}

const countedUp = /^_*(schema|intersection|union|type)?\d+$/i;

function partsOf(schema: JsonSchema): unknown[] {
  return Object.entries(schema).flatMap(([keyword, part]) => {
    const held = heldBy(keyword);
    if (held === "schema") return [part];
    if (held === "list" && Array.isArray(part)) return part as unknown[];
    return held === "map" && isRecord(part) ? Object.values(part) : [];
  });
}

/** It is worth a name: an object with fields of its own. */
function named({ properties }: JsonSchema): boolean {
  return isRecord(properties) && Object.keys(properties).length > 0;
}

/**
 * Two schemas with the same content are one, whatever the definitions are called that they refer to: those are told in the order in which
 * they are come upon, the schema itself first.
 */
function contentOf(schema: JsonSchema, root: JsonSchema): string {
  const reached: (JsonSchema | undefined)[] = [schema];
  const texts: string[] = [];
  for (const each of reached) {
    const { $defs: _, ...own } = each ?? {};
    const text = JSON.stringify(own, (keyword, part: unknown) => {
      if (keyword !== "$ref" || typeof part !== "string") return part;
      const target = targetOf(part, root);
      if (!reached.includes(target)) reached.push(target);
      return reached.indexOf(target);
    });
    texts.push(text);
  }
  return texts.join("\n");
}

function targetOf(ref: string, root: JsonSchema): JsonSchema | undefined {
  let at: unknown = root;
  for (const token of pointerTokens(ref.slice(1))) {
    const inside = typeof at === "object" && at !== null && Object.hasOwn(at, token);
    at = inside ? (at as Readonly<Record<string, unknown>>)[token] : undefined;
  }
  return isRecord(at) ? at : undefined;
}

/** Bounded and in the draft of OpenAPI 3.1; what cannot be read says nothing. */
function read(schema: JsonSchema): JsonSchema {
  return readSchema(schema, "2020-12").schema;
}

function refTo(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
