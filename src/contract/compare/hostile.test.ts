// Descriptions come from files and from running processes: whatever they hold, the comparison ends, and throws nothing.
import { ok } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { ContractShape, JsonSchema } from "../../base/contract-shape.ts";
import { compareContracts } from "./compare.ts";

const keywords = [
  "$ref",
  "$defs",
  "type",
  "enum",
  "const",
  "anyOf",
  "oneOf",
  "allOf",
  "not",
  "if",
  "properties",
  "required",
  "additionalProperties",
  "patternProperties",
  "propertyNames",
  "items",
  "prefixItems",
  "minItems",
  "maxItems",
  "pattern",
  "format",
  "minimum",
  "maximum",
  "multipleOf",
  "minLength",
  "$comment",
  "unevaluatedProperties",
  "contentMediaType",
];

const { schema: anyJson } = fc.letrec((tie) => ({
  schema: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      -1,
      2.5,
      "",
      "object",
      "string",
      "integer",
      "#",
      "#/$defs/a",
      "(",
      "^(a+)+$",
      "#/%E0",
    ),
    fc.array(tie("schema"), { maxLength: 3 }),
    {
      arbitrary: fc.dictionary(fc.constantFrom(...keywords, "a"), tie("schema"), { maxKeys: 5 }),
      weight: 4,
    },
  ),
}));
const schemas = anyJson.filter(
  (each): each is JsonSchema => typeof each === "object" && each !== null && !Array.isArray(each),
);

function shape(input: JsonSchema): ContractShape {
  return {
    name: "a",
    version: "1.0.0",
    operations: { put: { kind: "call", idempotent: false, in: input, out: input } },
  };
}

test("whatever stands where a schema should, it is compared and nothing is thrown", () => {
  fc.assert(
    fc.property(schemas, schemas, (older, newer) => {
      compareContracts(shape(older), shape(newer));
      compareContracts(shape(older), shape(older));
    }),
    { numRuns: 1_000 },
  );
});

test("schemas that are deep, that refer to themselves, and that grow with each step have an end", () => {
  let deep: JsonSchema = { type: "string" };
  let other: JsonSchema = { type: "number" };
  for (let level = 0; level < 2_000; level++) {
    deep = { type: "object", properties: { a: deep } };
    other = { type: "object", properties: { a: other } };
  }
  const told = compareContracts(shape(deep), shape(other)).findings;
  ok(told.length > 0 && told.every(({ oldClientNewServer }) => oldClientNewServer === "unknown"));
  const circle = {
    $ref: "#/$defs/a",
    $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } },
  };
  compareContracts(shape(circle), shape({ ...circle, title: "another" }));
  const twice = (name: string): JsonSchema => ({
    anyOf: [{ $ref: `#/$defs/${name}` }, { type: "array", items: { $ref: `#/$defs/${name}` } }],
  });
  const grows = (last: JsonSchema): JsonSchema => ({
    ...twice("l0"),
    $defs: Object.fromEntries(
      Array.from({ length: 24 }, (_, level) => [
        `l${level}`,
        level === 23 ? last : twice(`l${level + 1}`),
      ]),
    ),
  });
  compareContracts(shape(grows({ type: "string" })), shape(grows({ type: "number" })));
  const evil = { enum: ["a".repeat(60) + "b"] };
  compareContracts(shape(evil), shape({ type: "string", pattern: "^(a+)+$" }));
});
