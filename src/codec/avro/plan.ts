import type { JsonSchema } from "../../base/contract-shape.ts";
import { referredIn } from "../../base/schema-reference.ts";
import { branchesOf, jsonNode, type FieldNode, type Node, type RecordNode } from "./node.ts";

/** What a schema may say beside a reference without changing what travels. */
const remarks: ReadonlySet<string> = new Set([
  "$ref",
  "$defs",
  "definitions",
  "$id",
  "$schema",
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
]);

/** Says more of the fields of an object than a record or a map can. */
const beyondRecords: readonly string[] = ["patternProperties", "unevaluatedProperties", "if"];

/**
 * What an imported schema of Avro says of itself (`jsonSchemaOfAvro`): the name of a record or enum, or a primitive type that
 * JSON Schema has no word for.
 */
export const avroKeyword = "x-avro";

/** How Avro carries what `schema` describes: `name` is what the payload is called, and begins the names in it. */
export function planOf(schema: JsonSchema, name: string, namespace: string): Node {
  return new Plan(schema, namespace).node(schema, name);
}

class Plan {
  readonly #root: JsonSchema;
  readonly #namespace: string;
  readonly #names = new Set<string>();
  /** What references mean, or undefined while that is being found out. */
  readonly #referred = new Map<string, Node | undefined>();

  constructor(root: JsonSchema, namespace: string) {
    this.#root = root;
    this.#namespace = namespace;
  }

  node(schema: unknown, name: string, reference?: string): Node {
    if (typeof schema !== "object" || schema === null) return jsonNode;
    const own = schema as JsonSchema;
    const { $ref, anyOf, oneOf, allOf, type } = own;
    if (typeof $ref === "string") return isRemark(own) ? this.#reference($ref, name) : jsonNode;
    if (allOf !== undefined) return jsonNode;
    const said = own[avroKeyword];
    if (said === "int" || said === "float" || said === "bytes") return { kind: said };
    if (Object.hasOwn(own, "const")) return this.#choice([own["const"]], name, undefined);
    if (Array.isArray(own["enum"])) return this.#choice(own["enum"], name, said);
    const branches = anyOf ?? oneOf;
    if (Array.isArray(branches))
      return type === undefined ? this.#union(branches as unknown[], name) : jsonNode;
    if (Array.isArray(type))
      return this.#union(
        type.map((each: unknown) => ({ ...own, type: each })),
        name,
      );
    switch (type) {
      case "null":
      case "boolean":
      case "string":
        return { kind: type };
      case "number":
        return { kind: "double" };
      case "integer":
        return { kind: "long" };
      case "array":
        if (own["prefixItems"] !== undefined) return jsonNode;
        return { kind: "array", items: this.node(own["items"], `${name}Item`) };
      case "object":
        return this.#object(own, name, reference);
      default:
        return jsonNode;
    }
  }

  #reference(reference: string, name: string): Node {
    if (this.#referred.has(reference)) return this.#referred.get(reference) ?? jsonNode;
    this.#referred.set(reference, undefined);
    const called = /\/([A-Za-z][A-Za-z0-9_]*)$/.exec(reference)?.[1];
    const node = this.node(referredIn(this.#root, reference), called ?? name, reference);
    this.#referred.set(reference, node);
    return node;
  }

  #choice(values: readonly unknown[], name: string, said: unknown): Node {
    const kinds = new Set<Node["kind"]>(values.map(kindOfChoice));
    if (kinds.size === 1 && kinds.has("string")) return this.#texts(values as string[], name, said);
    return joined([...kinds].map((kind) => (kind === "json" ? jsonNode : ({ kind } as Node))));
  }

  /** Symbols are short, but not every text can be one. */
  #texts(texts: readonly string[], name: string, said?: unknown): Node {
    const symbols = [...new Set(texts)];
    if (!symbols.every((each) => isName(each))) return { kind: "string" };
    return { kind: "enum", name: this.#unused(name, said), symbols };
  }

  #union(schemas: readonly unknown[], name: string): Node {
    const nodes = schemas.map((schema) =>
      this.node(schema, schemas.length === 1 ? name : labelled(schema, name)),
    );
    const all = nodes.flatMap(branchesOf);
    const enums = all.filter((each) => each.kind === "enum");
    if (enums.length === 0) return joined(all);
    const others = all.filter((each) => each.kind !== "enum");
    if (others.some((each) => each.kind === "string")) return joined(others);
    if (enums.length === 1) return joined(all);
    return joined([
      ...others,
      this.#texts(
        enums.flatMap(({ symbols }) => symbols),
        name,
      ),
    ]);
  }

  #object(schema: JsonSchema, name: string, reference?: string): Node {
    const { properties, additionalProperties: more, required } = schema;
    if (beyondRecords.some((word) => schema[word] !== undefined)) return jsonNode;
    const declared = Object.entries((properties ?? {}) as Readonly<Record<string, unknown>>);
    if (declared.length === 0 && typeof more === "object" && more !== null)
      return { kind: "map", values: this.node(more, `${name}Value`) };
    if (properties === undefined || (more !== undefined && more !== false)) return jsonNode;
    const avroNames = new Set(declared.map(([field]) => avroNameOf(field)));
    if (avroNames.size < declared.length) return jsonNode;
    const fields: FieldNode[] = [];
    const record: RecordNode = {
      kind: "record",
      name: this.#unused(name, schema[avroKeyword]),
      fields,
    };
    if (reference !== undefined) this.#referred.set(reference, record);
    const needed = new Set((required ?? []) as readonly string[]);
    for (const [field, each] of declared) {
      const node = this.node(each, `${name}${capital(avroNameOf(field))}`);
      fields.push({ name: field, avroName: avroNameOf(field), node, optional: !needed.has(field) });
    }
    return record;
  }

  #unused(wanted: string, said: unknown): string {
    if (typeof said === "string" && !this.#names.has(said)) {
      this.#names.add(said);
      return said;
    }
    const base = `${this.#namespace}.${capital(wanted.replaceAll(/[^A-Za-z0-9_]/g, "_"))}`;
    let name = base;
    for (let number = 2; this.#names.has(name); number++) name = `${base}${number}`;
    this.#names.add(name);
    return name;
  }
}

/** One union of nodes that a reader of Avro can tell apart, in their order; the text of JSON where it could not. */
function joined(nodes: readonly Node[]): Node {
  const branches: Node[] = [];
  const has = (kind: Node["kind"]): boolean => branches.some((each) => each.kind === kind);
  for (const node of nodes) {
    if (node.kind === "json") return jsonNode;
    if (branches.includes(node)) continue;
    if (node.kind !== "record" && node.kind !== "enum" && has(node.kind)) {
      if (node.kind === "array" || node.kind === "map") return jsonNode;
      continue;
    }
    branches.push(node);
  }
  if (has("map") && has("record")) return jsonNode;
  if (has("bytes") && (has("string") || has("enum"))) return jsonNode;
  // A double holds every number.
  const rest = has("double") ? branches.filter(({ kind }) => !lesser.has(kind)) : branches;
  if (rest.length === 0) return jsonNode;
  return rest.length === 1 ? rest[0]! : { kind: "union", branches: rest };
}

const lesser: ReadonlySet<Node["kind"]> = new Set(["int", "long", "float"]);

function kindOfChoice(value: unknown): Node["kind"] {
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "boolean";
    case "number":
      return Number.isSafeInteger(value) ? "long" : "double";
    default:
      return value === null ? "null" : "json";
  }
}

/** Called after the text by which the objects of a union are told apart, where there is one. */
function labelled(schema: unknown, name: string): string {
  const { properties } = (schema ?? {}) as {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
  };
  for (const each of Object.values(properties ?? {})) {
    const said =
      each["const"] ??
      (Array.isArray(each["enum"]) && each["enum"].length === 1
        ? (each["enum"] as unknown[])[0]
        : undefined);
    if (typeof said === "string" && isName(said)) return `${name}${capital(said)}`;
  }
  return name;
}

function isRemark(schema: JsonSchema): boolean {
  return Object.keys(schema).every((word) => remarks.has(word));
}

function isName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

/** What Avro does not take in a name becomes `_`; so does the beginning of what every object of JavaScript has. */
function avroNameOf(name: string): string {
  const taken = name.replaceAll(/[^A-Za-z0-9_]/g, "_");
  return isName(taken) && !(taken in Object.prototype) ? taken : `_${taken}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
