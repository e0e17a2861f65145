import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { isTrunklineError } from "../base/error.ts";
import type { JsonSchema } from "../base/contract-shape.ts";
import type { Schema } from "../contract/schema.ts";
import { isPending, validate } from "../contract/validation.ts";
import { jsonSchema, type JsonSchemaTerms } from "./json-schema.ts";

function issues(schema: Schema, value: unknown): string[] {
  const result = validate(schema, value);
  ok(!isPending(result));
  return (result.issues ?? []).map(({ message, path = [] }) =>
    path.length === 0
      ? message
      : `${path.map((part) => String(part as PropertyKey)).join(".")}: ${message}`,
  );
}

function problemOf(schema: unknown, terms?: JsonSchemaTerms): string {
  try {
    jsonSchema(schema as JsonSchema, terms);
  } catch (error) {
    ok(isTrunklineError(error));
    deepEqual([error.code, error.executed], ["INVALID_ARGUMENT", "no"]);
    return error.reason;
  }
  return "";
}

const pet: JsonSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "https://example.org/pet",
  type: "object",
  properties: {
    name: { type: "string", minLength: 1 },
    tags: { type: "array", items: { enum: ["cat", "dog"] } },
    born: { type: "string", format: "date" },
    colour: { type: "string", format: "of-our-own" },
  },
  required: ["name"],
  additionalProperties: false,
};

test("a value that fits is handed on as it is, and a fault is told with its place", () => {
  const schema = jsonSchema<{ name: string }>(pet);
  const value = { name: "Rex", colour: "anything" };
  const result = validate(schema, value);
  ok("value" in result && result.value === value);
  deepEqual(issues(schema, {}), ["name: required"]);
  deepEqual(issues(schema, { name: "" }), ["name: must NOT have fewer than 1 characters"]);
  deepEqual(issues(schema, { name: "x", tags: ["cat", "cow"] }), [
    'tags.1: must be one of "cat", "dog"',
  ]);
  deepEqual(issues(schema, { name: "x", age: 1 }), ["age: there is no such field"]);
  deepEqual(issues(schema, { name: "x", born: "yesterday" }), ['born: must match format "date"']);
  deepEqual(issues(schema, 1), ["must be object"]);
});

test("nothing is coerced and no default is filled in", () => {
  const schema = jsonSchema({ type: "object", properties: { n: { type: "integer", default: 5 } } });
  deepEqual(issues(schema, { n: "5" }), ["n: must be integer"]);
  deepEqual(validate(schema, {}), { value: {} });
});

test("it gives its JSON Schema, without what names the document", () => {
  const { jsonSchema: converter } = jsonSchema(pet)["~standard"];
  const { $schema: _, $id: __, ...rest } = pet;
  deepEqual(converter!.input({ target: "draft-2020-12" }), rest);
});

test("only definitions that are referred to come along, and circles are no harm", () => {
  const definitions: Record<string, JsonSchema> = {
    Tree: {
      type: "object",
      properties: { children: { type: "array", items: { $ref: "#/$defs/Tree" } } },
      required: ["children"],
    },
    Other: { type: "string" },
  };
  const schema = jsonSchema({ $ref: "#/$defs/Tree" }, { definitions });
  deepEqual(schema["~standard"].jsonSchema!.input({ target: "draft-2020-12" }), {
    $ref: "#/$defs/Tree",
    $defs: { Tree: definitions["Tree"] },
  });
  deepEqual(issues(schema, { children: [{ children: [] }, {}] }), [
    "children.1.children: required",
  ]);
});

test("OpenAPI 3.0 writes some things in its own way", () => {
  const read = (schema: JsonSchema): unknown =>
    jsonSchema(schema, { dialect: "openapi-3.0" })["~standard"].jsonSchema!.input({
      target: "draft-2020-12",
    });
  deepEqual(read({ type: "string", nullable: true, enum: ["a"], example: "a" }), {
    type: ["string", "null"],
    enum: ["a", null],
    examples: ["a"],
  });
  deepEqual(read({ type: "number", minimum: 0, exclusiveMinimum: true, exclusiveMaximum: false }), {
    type: "number",
    exclusiveMinimum: 0,
  });
  deepEqual(read({ allOf: [{ type: "object" }], nullable: true, description: "x" }), {
    description: "x",
    anyOf: [{ allOf: [{ type: "object" }] }, { type: "null" }],
  });
  deepEqual(read({ type: "object", properties: { a: { type: "integer", nullable: true } } }), {
    type: "object",
    properties: { a: { type: ["integer", "null"] } },
  });
  deepEqual(read({ nullable: true }), {});
});

test("a schema that cannot be used is refused when it is made, with all that is wrong", () => {
  match(problemOf({ type: "text" }), /#\/type must be equal to one of the allowed values/);
  match(
    problemOf({ properties: { a: { $ref: "https://evil.example/x" }, b: { pattern: "(" } } }),
    /#\/properties\/a\/\$ref points outside.*; #\/properties\/b\/pattern: "\(" is no regular/,
  );
  match(problemOf({ $ref: "#/$defs/Nothing" }), /#\/\$defs\/Nothing points to nothing/);
  match(problemOf({ $ref: "#/$defs/constructor" }, { definitions: {} }), /points to nothing/);
  match(problemOf({ properties: { a: { $id: "x" } } }), /addresses of their own/);
  match(problemOf({ items: 5 }), /#\/items is no schema/);
  match(problemOf(null), /# is no schema/);
  let deep: JsonSchema = {};
  for (let depth = 0; depth < 5000; depth++) deep = { items: deep };
  match(problemOf(deep), /deeper than 128/);
  const circle: Record<string, unknown> = {};
  circle["not"] = circle;
  match(problemOf(circle), /deeper than 128/);
});

test("patterns that only the older way of reading understands are taken", () => {
  const schema = jsonSchema({ type: "string", pattern: "^[\\w\\-]+$" });
  deepEqual(issues(schema, "a-b"), []);
  equal(issues(schema, "a b").length, 1);
});

test("names that every object has are names like any other", () => {
  const schema = jsonSchema(
    JSON.parse(
      '{"type":"object","properties":{"constructor":{"type":"string"},"__proto__":{"type":"string"}},"required":["constructor"]}',
    ) as JsonSchema,
  );
  deepEqual(issues(schema, {}), ["constructor: required"]);
  deepEqual(issues(schema, { constructor: "x" }), []);
  throws(() => jsonSchema({ required: "x" }), /#\/required must be array/);
});
