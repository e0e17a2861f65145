import type { JsonSchema } from "../../base/contract-shape.ts";
import { referredIn } from "../../base/schema-reference.ts";

/** What a value is in JSON. */
export type Kind = "null" | "boolean" | "number" | "string" | "array" | "object";

/** What a schema lets one expect at one place of a value: both sides conclude the same from it. */
export class Expected {
  /** Undefined: it may be anything. */
  readonly kinds: ReadonlySet<Kind> | undefined;
  readonly #alternatives: readonly JsonSchema[];
  readonly #places: Places;
  readonly #fields = new Map<string, Expected>();
  /** How many of the first items have schemas of their own. */
  readonly #prefix: number;
  /** Of the items behind them. */
  #rest: Expected | undefined;

  /** What is expected of the payload that `schema` describes; undefined: nothing is known of it. */
  static of(schema: JsonSchema | undefined): Expected {
    return new Places(schema ?? {}).of([schema ?? {}]);
  }

  /** For `Places`, which makes one for each place. */
  constructor(schemas: readonly JsonSchema[], places: Places) {
    this.#places = places;
    this.#alternatives = alternativesOf(schemas, places.root);
    this.kinds = union(schemas.map((schema) => kindsOf(schema, places.root, [])));
    this.#prefix = Math.max(0, ...this.#alternatives.map((each) => prefixOf(each).length));
  }

  field(name: string): Expected {
    let field = this.#fields.get(name);
    if (field !== undefined) return field;
    const declared = this.#alternatives.some((each) => Object.hasOwn(fieldsOf(each), name));
    field = this.#places.of(
      this.#alternatives.flatMap((each) => {
        const own = fieldsOf(each);
        return schemasIn(Object.hasOwn(own, name) ? own[name] : each["additionalProperties"]);
      }),
    );
    // Names that nobody has declared come from outside: there is no end of them.
    if (declared) this.#fields.set(name, field);
    return field;
  }

  item(index: number): Expected {
    return index < this.#prefix ? this.#itemAt(index) : (this.#rest ??= this.#itemAt(index));
  }

  #itemAt(index: number): Expected {
    const schemas = this.#alternatives.flatMap((each) => {
      const prefix = prefixOf(each);
      return schemasIn(index < prefix.length ? prefix[index] : each["items"]);
    });
    return this.#places.of(schemas);
  }
}

/** One `Expected` for each set of schemas, so that recursive ones do not grow. */
class Places {
  readonly root: JsonSchema;
  readonly #numbers = new Map<JsonSchema, number>();
  readonly #made = new Map<string, Expected>();

  constructor(root: JsonSchema) {
    this.root = root;
  }

  of(schemas: readonly JsonSchema[]): Expected {
    const key = schemas.map((schema) => this.#number(schema)).join(" ");
    let made = this.#made.get(key);
    if (made === undefined) this.#made.set(key, (made = new Expected(schemas, this)));
    return made;
  }

  #number(schema: JsonSchema): number {
    let number = this.#numbers.get(schema);
    if (number === undefined) this.#numbers.set(schema, (number = this.#numbers.size));
    return number;
  }
}

const kindOfType: Readonly<Record<string, Kind>> = {
  null: "null",
  boolean: "boolean",
  number: "number",
  integer: "number",
  string: "string",
  array: "array",
  object: "object",
};

type Kinds = ReadonlySet<Kind> | undefined;

/** The kinds that a schema allows; undefined when it does not say. `under`: the references that led here. */
function kindsOf(schema: JsonSchema, root: JsonSchema, under: readonly string[]): Kinds {
  const { $ref, type, enum: choices, anyOf, oneOf, allOf } = schema;
  const said: Kinds[] = [];
  if (typeof type === "string" || Array.isArray(type))
    said.push(new Set([type].flat().flatMap((each) => kindOfType[String(each)] ?? [])));
  if (Array.isArray(choices)) said.push(new Set(choices.map(kindOf)));
  if (Object.hasOwn(schema, "const")) said.push(new Set([kindOf(schema["const"])]));
  if (typeof $ref === "string" && !under.includes($ref))
    said.push(kindsOf(resolved($ref, root), root, [...under, $ref]));
  for (const branches of [anyOf, oneOf])
    if (Array.isArray(branches))
      said.push(union(schemasIn(branches).map((each) => kindsOf(each, root, under))));
  said.push(...schemasIn(allOf).map((each) => kindsOf(each, root, under)));
  let kinds: Kinds;
  for (const each of said)
    if (each !== undefined)
      kinds = kinds === undefined ? each : new Set([...kinds].filter((kind) => each.has(kind)));
  return kinds === undefined || kinds.size === 0 ? undefined : kinds;
}

function union(all: readonly Kinds[]): Kinds {
  let kinds: Kinds;
  for (const each of all) {
    if (each === undefined) return undefined;
    kinds = new Set([...(kinds ?? []), ...each]);
  }
  return kinds;
}

export function kindOf(value: unknown): Kind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "boolean" || type === "number" || type === "string" ? type : "object";
}

/** The schemas themselves, and whatever they refer to or are put together from. */
function alternativesOf(schemas: readonly JsonSchema[], root: JsonSchema): JsonSchema[] {
  const found = new Set<JsonSchema>();
  const add = (schema: JsonSchema): void => {
    if (found.has(schema)) return;
    found.add(schema);
    const { $ref, anyOf, oneOf, allOf } = schema;
    if (typeof $ref === "string") add(resolved($ref, root));
    for (const branches of [anyOf, oneOf, allOf]) schemasIn(branches).forEach(add);
  };
  schemas.forEach(add);
  return [...found];
}

function prefixOf({ prefixItems }: JsonSchema): readonly unknown[] {
  return Array.isArray(prefixItems) ? prefixItems : [];
}

function fieldsOf({ properties }: JsonSchema): Readonly<Record<string, unknown>> {
  return (properties ?? {}) as Readonly<Record<string, unknown>>;
}

/** A schema, or several; what only says yes or no says nothing here. */
function schemasIn(value: unknown): JsonSchema[] {
  if (Array.isArray(value)) return value.flatMap(schemasIn);
  return typeof value === "object" && value !== null ? [value as JsonSchema] : [];
}

/** What a reference means; one that leads nowhere says nothing. */
function resolved(reference: string, root: JsonSchema): JsonSchema {
  return schemasIn(referredIn(root, reference))[0] ?? {};
}
