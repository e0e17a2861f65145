import type { JsonSchema } from "../../base/contract-shape.ts";
import { referredIn, tokensOf } from "../../base/schema-reference.ts";

/** A payload's whole schema: where its `$ref`s point. */
export type Root = JsonSchema;

/** A schema without what only wraps it. */
export interface Resolved {
  readonly schema: JsonSchema;
  /** How `$defs` call it; undefined: it stands where it is used. */
  readonly name: string | undefined;
}

/** How many `$ref`s may lead to each other. */
const hopsMax = 32;

/** Follows `$ref`, and joins `allOf` where that is one object; undefined: nothing can be said of such a schema. */
export function resolved(given: unknown, root: Root): Resolved | undefined {
  let name: string | undefined;
  let schema = given;
  for (let hops = 0; hops < hopsMax; hops++) {
    if (!isRecord(schema)) return undefined;
    const { $ref, allOf } = schema;
    if (typeof $ref === "string") {
      const target = pointed($ref, root);
      if (target === undefined) return undefined;
      name = target.name ?? name;
      schema = target.schema;
    } else if (Array.isArray(allOf)) {
      return joined(schema, allOf, root, name);
    } else return { schema, name };
  }
  return undefined;
}

/** The schema that a `$ref` inside `root` means. */
function pointed($ref: string, root: Root): Resolved | undefined {
  const schema = referredIn(root, $ref);
  const path = tokensOf($ref);
  const named = path.length === 2 && (path[0] === "$defs" || path[0] === "definitions");
  // Zod names what it had to name, `__schema0`, when nobody else has.
  const name = named && !/^__schema\d+$/.test(path[1]!) ? path[1] : undefined;
  return isRecord(schema) ? { schema, name } : undefined;
}

function joined(
  schema: JsonSchema,
  allOf: readonly unknown[],
  root: Root,
  name: string | undefined,
): Resolved | undefined {
  const { allOf: _, ...own } = schema;
  const parts = [own, ...allOf].map((part) => resolved(part, root)?.schema);
  const told = parts.filter((part) => part !== undefined && !isEmpty(part));
  if (told.includes(undefined) || parts.includes(undefined)) return undefined;
  if (told.length === 1) return { schema: told[0]!, name };
  if (!told.every((part) => part!["type"] === "object" && variantsOf(part!) === undefined))
    return undefined;
  const properties: Record<string, unknown> = {};
  const required: unknown[] = [];
  for (const part of told) {
    for (const [key, one] of Object.entries(propertiesOf(part!))) {
      if (key in properties && JSON.stringify(properties[key]) !== JSON.stringify(one))
        return undefined;
      properties[key] = one;
    }
    required.push(...requiredOf(part!));
  }
  const { title, description } = own;
  return { schema: { type: "object", properties, required, title, description }, name };
}

/** What `anyOf` or `oneOf` lists; undefined: neither is there. */
export function variantsOf({ anyOf, oneOf }: JsonSchema): readonly unknown[] | undefined {
  const list = anyOf ?? oneOf;
  return Array.isArray(list) ? list : undefined;
}

export function propertiesOf({ properties }: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return isRecord(properties) ? (properties as Readonly<Record<string, JsonSchema>>) : {};
}

export function requiredOf({ required }: JsonSchema): readonly string[] {
  return Array.isArray(required) ? (required as readonly string[]) : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The schema with all that it refers to, as one text: two that have the same text mean the same. */
export function contentOf(given: unknown, root: Root): string {
  const seen = new Set<string>();
  return JSON.stringify(given, (_, value: unknown) => {
    if (!isRecord(value) || typeof value["$ref"] !== "string") return value;
    const { $ref } = value;
    if (seen.has($ref)) return { again: $ref };
    seen.add($ref);
    return { ref: $ref, is: pointed($ref, root)?.schema };
  });
}

export function isRecord(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmpty(schema: JsonSchema): boolean {
  return Object.keys(schema).every((key) => key === "title" || key === "description");
}
