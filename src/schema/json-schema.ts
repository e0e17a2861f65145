import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { JsonSchema } from "../base/contract-shape.ts";
import { systemError } from "../base/error.ts";
import type { Issue, Schema, Validation } from "../contract/schema.ts";
import {
  definitionIn,
  expression,
  isRecord,
  pointerTokens,
  readSchema,
  type JsonSchemaDialect,
  type Read,
} from "./dialect.ts";

export interface JsonSchemaTerms {
  /** How the schema and its definitions are written. Default `2020-12`. */
  readonly dialect?: JsonSchemaDialect;
  /**
   * Schemas that several share: `{ $ref: "#/$defs/Pet" }` finds `Pet` here, where the schema itself has no such one. Only what is
   * referred to becomes part of the schema. Default none.
   */
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

/**
 * A schema from JSON Schema (draft 2020-12, or as OpenAPI 3.0 writes it), for contracts that come from somebody's document. The
 * type is yours to say: `jsonSchema<Pet>({ … })`; `trunkline import` writes both.
 *
 * A value is handed on as it is: nothing is coerced, no default is filled in, no field is taken away. The first fault ends a
 * look, so that what a stranger sends costs no more than that. `format` is checked where ajv-formats knows it; formats and keywords that
 * nobody knows are let through, as the draft asks. It is compiled when its first value is looked at. References stay in the document;
 * `$id` of the whole is ignored. Needs `ajv` and `ajv-formats`.
 *
 * @throws TrunklineError INVALID_ARGUMENT that lists all that is wrong with the schema.
 */
export function jsonSchema<Value = unknown>(
  schema: JsonSchema,
  terms: JsonSchemaTerms = {},
): Schema<Value> {
  const whole = complete(schema, terms);
  let check: ValidateFunction | undefined;
  const told = (): Record<string, unknown> => ({ ...whole });
  return Object.freeze({
    "~standard": {
      version: 1,
      vendor: "trunkline",
      validate: (value: unknown): Validation<Value> => {
        check ??= ajv().compile(whole);
        if (check(value)) return { value: value as Value };
        return { issues: (check.errors ?? []).map((error) => issueOf(error, value)) };
      },
      jsonSchema: { input: told, output: told },
    },
  } as const);
}

/** The schema in draft 2020-12 with the definitions that it needs, or everything that is wrong with it. */
function complete(schema: JsonSchema, terms: JsonSchemaTerms): JsonSchema {
  const { dialect = "2020-12", definitions = {} } = terms;
  const root = checked(schema, dialect);
  const problems = [...root.problems];
  const own = isRecord(root.schema["$defs"]) ? root.schema["$defs"] : {};
  const used = new Map<string, unknown>(Object.entries(own));
  const open = [...root.refs];
  for (let ref = open.pop(); ref !== undefined; ref = open.pop()) {
    const name = definitionIn(ref);
    if (name === undefined || used.has(name) || !Object.hasOwn(definitions, name)) continue;
    const read = checked(definitions[name], dialect);
    used.set(name, read.schema);
    open.push(...read.refs);
    problems.push(...read.problems.map((problem) => `the definition ${name}: ${problem}`));
  }
  const whole: JsonSchema =
    used.size === 0 ? root.schema : { ...root.schema, $defs: Object.fromEntries(used) };
  for (const ref of refsOf(root, used, definitions, dialect)) {
    if (/^#(\/|$)/.test(ref) && !points(whole, ref))
      problems.push(`${ref.slice(0, 120)} points to nothing`);
  }
  if (problems.length === 0) return whole;
  throw systemError(
    "INVALID_ARGUMENT",
    `this JSON Schema cannot be used: ${problems.slice(0, 20).join("; ")}`,
    { executed: "no" },
  );
}

function refsOf(
  root: Read,
  used: ReadonlyMap<string, unknown>,
  definitions: Readonly<Record<string, JsonSchema>>,
  dialect: JsonSchemaDialect,
): Set<string> {
  const refs = new Set(root.refs);
  for (const name of used.keys()) {
    if (!Object.hasOwn(definitions, name)) continue;
    for (const ref of checked(definitions[name], dialect).refs) refs.add(ref);
  }
  return refs;
}

/** Definitions are shared by hundreds of schemas: each is looked at once. */
const known: Readonly<Record<JsonSchemaDialect, WeakMap<object, Read>>> = {
  "2020-12": new WeakMap(),
  "draft-07": new WeakMap(),
  "openapi-3.0": new WeakMap(),
};

function checked(schema: unknown, dialect: JsonSchemaDialect): Read {
  const cached = isRecord(schema) ? known[dialect].get(schema) : undefined;
  if (cached !== undefined) return cached;
  const read = readSchema(schema, dialect);
  const whole =
    read.problems.length > 0 || ajv().validateSchema(read.schema) === true
      ? read
      : { ...read, problems: (ajv().errors ?? []).map(malformed) };
  if (isRecord(schema)) known[dialect].set(schema, whole);
  return whole;
}

let shared: Ajv2020 | undefined;

/** Made when the first schema is: it reads the meta-schemas of the draft, which takes milliseconds. */
function ajv(): Ajv2020 {
  if (shared !== undefined) return shared;
  const made = new Ajv2020({
    strict: false,
    validateSchema: false,
    addUsedSchema: false,
    ownProperties: true,
    logger: false,
    code: { regExp: Object.assign(lenient, { code: "new RegExp" }) },
  });
  formats.default(made);
  shared = made;
  return made;
}

function lenient(pattern: string): RegExp {
  // What cannot be read at all was refused before.
  return expression(pattern) ?? /(?!)/;
}

function malformed({ instancePath, message = "is wrong" }: ErrorObject): string {
  return `#${instancePath} ${message}`;
}

function issueOf(error: ErrorObject, value: unknown): Issue {
  const path = pathIn(value, error.instancePath);
  const { missingProperty, additionalProperty, allowedValues, allowedValue } =
    error.params as Readonly<Record<string, unknown>>;
  if (typeof missingProperty === "string")
    return { message: "required", path: [...path, missingProperty] };
  if (typeof additionalProperty === "string")
    return { message: "there is no such field", path: [...path, additionalProperty] };
  if (Array.isArray(allowedValues))
    return { message: `must be one of ${listed(allowedValues)}`, path };
  if (error.keyword === "const")
    return { message: `must be ${JSON.stringify(allowedValue)}`, path };
  return { message: error.message ?? "is wrong", path };
}

function listed(values: readonly unknown[]): string {
  const told = values.slice(0, 10).map((value) => JSON.stringify(value));
  return told.join(", ") + (values.length > 10 ? ", …" : "");
}

/** A JSON pointer as fields and indices. */
function pathIn(value: unknown, pointer: string): PropertyKey[] {
  let at = value;
  return pointerTokens(pointer).map((token) => {
    const key = Array.isArray(at) ? Number(token) : token;
    at = typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : at;
    return key;
  });
}

function points(document: JsonSchema, ref: string): boolean {
  let at: unknown = document;
  for (const token of pointerTokens(ref.slice(1))) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, token)) return false;
    at = (at as Readonly<Record<string, unknown>>)[token];
  }
  return typeof at === "boolean" || isRecord(at);
}
