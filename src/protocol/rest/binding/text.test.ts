import { deepEqual, equal } from "node:assert/strict";
import { suite, test } from "node:test";
import type { JsonSchema } from "../../../base/contract-shape.ts";
import { readText, textType, unfit, writeText, type TextType } from "./text.ts";

suite("what a schema is as text", () => {
  const cases: [schema: JsonSchema, type: TextType["base"] | undefined, many?: boolean][] = [
    [{ type: "string", format: "date-time" }, "string"],
    [{ type: "integer", minimum: 1 }, "integer"],
    [{ enum: ["a", "b"] }, "string"],
    [{ enum: [1, 2] }, "number"],
    [{ const: true }, "boolean"],
    [{ anyOf: [{ type: "string" }, { const: "x" }] }, "string"],
    [{ type: "array", items: { type: "number" } }, "number", true],
    [{ enum: ["a", 1] }, undefined],
    [{ enum: ["a", null] }, undefined],
    [{ type: ["string", "null"] }, undefined],
    [{ anyOf: [{ type: "string" }, { type: "number" }] }, undefined],
    [{ type: "array", items: { type: "array", items: { type: "string" } } }, undefined],
    [{ type: "array" }, undefined],
    [{ type: "array", prefixItems: [{ type: "string" }], items: { type: "string" } }, undefined],
    [{ type: "object" }, undefined],
    [{}, undefined],
  ];
  for (const [schema, base, many = false] of cases)
    test(JSON.stringify(schema), () => {
      deepEqual(textType(schema), base === undefined ? undefined : { base, many });
    });
});

test("values come back from text as they were", () => {
  const values: [TextType["base"], unknown][] = [
    ["string", ""],
    ["string", "true"],
    ["string", "ü / ? &"],
    ["boolean", false],
    ["integer", -12],
    ["integer", Number.MAX_SAFE_INTEGER],
    ["number", 0.1],
    ["number", 1e21],
    ["number", -5e-324],
  ];
  for (const [base, value] of values) equal(readText(base, writeText(base, value)!), value);
});

test("a text that is no such value is refused, and a value that is of another type", () => {
  const texts: [TextType["base"], string][] = [
    ["integer", ""],
    ["integer", "1.0"],
    ["integer", "01"],
    ["integer", "0x10"],
    ["integer", " 1"],
    ["integer", "99999999999999999"],
    ["number", ""],
    ["number", "Infinity"],
    ["number", "1e999"],
    ["number", "1_000"],
    ["number", "1".repeat(41)],
    ["boolean", ""],
    ["boolean", "1"],
    ["boolean", "TRUE"],
  ];
  for (const [base, text] of texts) equal(readText(base, text), unfit, `${base} ${text}`);
  for (const [base, value] of [
    ["string", 1],
    ["number", "1"],
    ["number", Number.NaN],
    ["boolean", 0],
  ] as const)
    equal(writeText(base, value), undefined);
});
