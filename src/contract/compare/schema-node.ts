import type { JsonSchema } from "../../base/contract-shape.ts";
import { referredIn } from "../../base/schema-reference.ts";
import { annotations } from "../digest.ts";

/** A schema within the document that its references are resolved in. */
export interface Node {
  readonly schema: JsonSchema | boolean;
  readonly root: JsonSchema;
}

/** Keywords that allow and forbid nothing where they stand. */
const silent: ReadonlySet<string> = new Set([...annotations, "$anchor", "$defs", "definitions"]);

/** True where any value is allowed. */
export function allowsAll(schema: JsonSchema | boolean): boolean {
  if (typeof schema === "boolean") return schema;
  return Object.keys(schema).every((keyword) => silent.has(keyword));
}

/** The schema that a keyword holds; `undefined` where it holds none. */
export function schemaIn(value: unknown): JsonSchema | boolean | undefined {
  if (typeof value === "boolean") return value;
  return isObject(value) ? value : undefined;
}

export function schemasIn(value: unknown): readonly (JsonSchema | boolean)[] {
  return Array.isArray(value) ? value.map((each) => schemaIn(each) ?? true) : [];
}

/** The schemas of a keyword that maps names to them: `properties`. What is no schema allows anything. */
export function namedIn(value: unknown): Readonly<Record<string, JsonSchema | boolean>> {
  if (!isObject(value)) return {};
  const named = Object.entries(value).map(
    ([name, each]) => [name, schemaIn(each) ?? true] as const,
  );
  return Object.fromEntries(named);
}

export function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

export function numberIn(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** What a reference means; undefined when it leads out of the document or to nothing. */
export function resolved(reference: string, root: JsonSchema): JsonSchema | boolean | undefined {
  return schemaIn(referredIn(root, reference));
}

/** True when two values are the same JSON, whatever the order of their fields. */
export function same(one: unknown, other: unknown): boolean {
  return ordered(one) === ordered(other);
}

function ordered(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) =>
    isObject(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
