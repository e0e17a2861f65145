import { info, operationsOf, type AnyContract } from "./contract.ts";
import { wireSchema, type JsonSchema } from "./json-schema.ts";
import type { Operation } from "./operation.ts";
import type { Schema } from "./schema.ts";
import { sha256 } from "./sha256.ts";

/** 128 bits: two different contracts never meet by accident. */
const hexChars = 32;

/**
 * What a contract says on the wire, in one word: equal for two builds whose operations carry the same.
 * `full:…` covers the whole JSON Schema of every payload; `part:…` says that some library gave none, or not all.
 * Names, kinds, promises and schemas count; the version, descriptions, durations and the order of anything do not.
 */
export function digestOf(contract: AnyContract): string {
  const digests = operationsOf(contract).map(([name, operation]) => [
    name,
    operationDigest(operation),
  ]);
  const whole = digests.every(([, one]) => one!.startsWith("full:"));
  return digest({ name: contract[info].name, operations: Object.fromEntries(digests) }, whole);
}

/** The same for one operation; its name does not count. */
export function operationDigest(operation: Operation): string {
  const { kind, idempotent, key, errors } = operation;
  let whole = true;
  const told = (schema: Schema | undefined): unknown => {
    if (schema === undefined) return null;
    const wire = wireSchema(schema);
    whole &&= wire.note === undefined;
    return canonicalSchema(wire.schema);
  };
  const codes = Object.entries(errors).map(([code, schema]) => [code, told(schema)]);
  const said = {
    kind,
    idempotent,
    key,
    ...(operation.delivery === undefined ? {} : { delivery: operation.delivery }),
    // Absent, not null, where there is none: so operations without a head have the digest that they always had.
    ...(operation.head === undefined ? {} : { head: told(operation.head) }),
    in: told(operation.in),
    out: told(operation.out),
    errors: Object.fromEntries(codes),
  };
  return digest(said, whole);
}

function digest(value: unknown, whole: boolean): string {
  return `${whole ? "full" : "part"}:${sha256(canonicalJson(value)).slice(0, hexChars)}`;
}

/** JSON with the fields of every object in one order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (isObject(part) ? sorted(part) : part));
}

/** Keywords that say nothing about which values are allowed. */
export const annotations: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$comment",
  "title",
  "description",
  "examples",
  "default",
  "deprecated",
  "readOnly",
  "writeOnly",
]);
/** Keywords whose value maps names to schemas: what looks like a keyword in there is a name. */
const named: ReadonlySet<string> = new Set(["properties", "patternProperties", "dependentSchemas"]);
/** Keywords whose value is data or a set of words, in which order means nothing. */
const sets: ReadonlySet<string> = new Set(["required", "enum", "type"]);

/**
 * A JSON Schema without what does not matter: annotations, the order of sets, the names of definitions (ArkType counts
 * them up over the whole process), and `type` beside the `enum` or `const` that implies it.
 */
function canonicalSchema(schema: JsonSchema): unknown {
  const { $defs, definitions, ...root } = schema;
  const pool = { ...(definitions as object), ...($defs as object) } as Readonly<
    Record<string, JsonSchema>
  >;
  const order: string[] = [];
  const refer = (name: string): string => {
    if (!order.includes(name)) order.push(name);
    return `#${order.indexOf(name)}`;
  };
  const reduced = [reduce(root, refer)];
  // Reducing a definition may refer to further ones, which join the end of `order`.
  for (const name of order) reduced.push(reduce(pool[name] ?? {}, refer));
  return reduced;
}

function reduce(value: unknown, refer: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((part) => reduce(part, refer));
  if (!isObject(value)) return value;
  const reduced: Record<string, unknown> = {};
  for (const [keyword, part] of Object.entries(sorted(value))) {
    if (annotations.has(keyword)) continue;
    if (keyword === "type" && ("enum" in value || "const" in value)) continue;
    if (keyword === "$ref") {
      const name = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(String(part))?.[1];
      reduced[keyword] = name === undefined ? part : refer(name);
    } else if (keyword === "const" || (keyword === "enum" && !Array.isArray(part)))
      reduced[keyword] = part;
    else if (sets.has(keyword) && Array.isArray(part)) reduced[keyword] = part.toSorted(byJson);
    else if (named.has(keyword) && isObject(part)) {
      reduced[keyword] = Object.fromEntries(
        Object.entries(sorted(part)).map(([name, one]) => [name, reduce(one, refer)]),
      );
    } else reduced[keyword] = reduce(part, refer);
  }
  return reduced;
}

function sorted(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function byJson(a: unknown, b: unknown): number {
  return canonicalJson(a) < canonicalJson(b) ? -1 : 1;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
