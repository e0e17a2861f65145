import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { runInThisContext } from "node:vm";
import * as fc from "fast-check";
import type { JsonSchema } from "../base/contract-shape.ts";
import { literalText } from "./literal-text.ts";
import { typeText, typeTexts } from "./type-text.ts";

const root = join(import.meta.dirname, "../..");

function typeOf(schema: JsonSchema, definitions: Record<string, JsonSchema> = {}): string {
  return typeTexts(definitions).type(schema).replaceAll(/\s+/g, " ");
}

test("plain types, unions and enums", () => {
  equal(typeOf({ type: "string", minLength: 3 }), "string");
  equal(typeOf({ type: ["integer", "null"] }), "number | null");
  equal(typeOf({ enum: ["a", 1, null, true] }), '"a" | 1 | null | true');
  equal(typeOf({ const: { a: [1] } }), "{ a: [1] }");
  equal(typeOf({ anyOf: [{ type: "string" }, { type: "number" }] }), "string | number");
  equal(typeOf({}), "unknown");
  equal(typeOf({ not: {} }), "unknown");
  equal(typeTexts({}).type(false), "never");
  equal(typeOf({ contentMediaType: "application/octet-stream" }), "Uint8Array");
});

test("objects, records, lists and tuples", () => {
  const schema = {
    type: "object",
    properties: { id: { type: "string" }, "x-tag": { type: "array", items: { enum: [1, 2] } } },
    required: ["id", "other"],
  };
  equal(typeOf(schema), '{ id: string; "x-tag"?: (1 | 2)[]; other: unknown; }');
  equal(typeOf({ type: "object" }), "{ [name: string]: unknown; }");
  equal(typeOf({ type: "object", additionalProperties: false }), "{ [name: string]: never }");
  equal(
    typeOf({ type: "object", additionalProperties: { type: "number" } }),
    "{ [name: string]: number; }",
  );
  equal(
    typeOf({ ...schema, required: ["id"], additionalProperties: { type: "number" } }),
    '{ id: string; "x-tag"?: (1 | 2)[]; [name: string]: number | string | (1 | 2)[] | undefined; }',
  );
  const prefixItems = [{ type: "string" }, { type: "number" }];
  equal(typeOf({ type: "array", prefixItems, items: false, minItems: 1 }), "[string, number?]");
  equal(
    typeOf({ type: "array", prefixItems, minItems: 2, items: { type: "null" } }),
    "[string, number, ...(null)[]]",
  );
});

test("definitions are named types, recursive ones too", () => {
  const texts = typeTexts({
    Tree: {
      type: "object",
      description: "A tree.",
      properties: { kids: { type: "array", items: { $ref: "#/$defs/Tree" } } },
      required: ["kids"],
    },
    "odd name!": { anyOf: [{ $ref: "#/$defs/Tree" }, { type: "null" }] },
    "odd-name": { type: "string" },
    7: { type: "number" },
  });
  equal(
    texts.declarations(),
    [
      "export type Type7 = number;\n",
      "/** A tree. */\nexport interface Tree {\n  kids: Tree[];\n}\n",
      "export type OddName = Tree | null;\n",
      "export type OddName2 = string;\n",
    ].join("\n"),
  );
  equal(texts.type({ $ref: "#/$defs/odd%20name!" }), "OddName");
});

test("what refers to itself with nothing between is not written as a type that is none", () => {
  const definitions = {
    A: { $ref: "#/$defs/B" },
    B: { anyOf: [{ $ref: "#/$defs/A" }, { type: "string" }] },
    C: { allOf: [{ $ref: "#/$defs/C" }, { type: "object" }] },
  };
  compiles(typeTexts(definitions).declarations());
});

test("a description cannot leave its comment, and hides nothing", () => {
  const text = typeText(
    {
      type: "object",
      description: "*/ evil(); /*\nsecond\u202e line\u2028third",
      properties: { a: { type: "string", description: "*\u200b/ evil()", deprecated: true } },
    },
    "Thing",
  );
  match(text, /\/\*\*\n \* \*\\\/ evil\(\); \/\*\n \* second line\n \* third\n \*\//);
  match(text, /@deprecated/);
  compiles(text);
});

test("types of any document compile, and hold no code", { timeout: 120_000 }, () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '"; evil(); "',
      "*/ evil(); /*",
      "`${evil()}`",
      "__proto__",
      "constructor",
      "]; evil(); [",
      "\u2028evil()",
      "a\\",
      "Uint8Array",
      "string",
    ),
  );
  const { schema } = fc.letrec<{ schema: JsonSchema }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom<JsonSchema>({ type: "string" }, { type: "integer" }, {}),
      hostile.map((name) => ({ $ref: `#/$defs/${encodeURIComponent(name.toWellFormed())}` })),
      fc.array(fc.oneof(hostile, fc.double()), { minLength: 1, maxLength: 3 }).map((values) => ({
        enum: values,
      })),
      fc.record({
        type: fc.constant("object"),
        description: hostile,
        properties: fc.dictionary(hostile, tie("schema"), { maxKeys: 3 }),
        required: fc.array(hostile, { maxLength: 2 }),
      }),
      tie("schema").map((items) => ({ type: "array", items })),
      tie("schema").map((additionalProperties) => ({ type: "object", additionalProperties })),
      fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
      fc.record({ allOf: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }) }),
      fc.array(tie("schema"), { maxLength: 2 }).map((prefixItems) => ({
        type: "array",
        prefixItems,
      })),
    ),
  }));
  const documents = fc.sample(fc.dictionary(hostile, schema, { maxKeys: 4 }), {
    numRuns: 150,
    seed: 20261128,
  });
  compiles(...documents.map((definitions) => typeTexts(definitions).declarations()));
});

test("JSON written as TypeScript reads as the same JSON", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const value: unknown = JSON.parse(json);
      // What `trunkline import` writes is run by whoever imports it: so is this.
      deepEqual(runInThisContext(`(${literalText(value)})`), value);
    }),
  );
  equal(literalText({ "a-b": 1, c: ["\u202e"] }), '{ "a-b": 1, c: ["\\u202e"] }');
});

/** Each text is a module of its own in which nothing may run and everything must be a type. */
function compiles(...texts: readonly string[]): void {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/types-"));
  try {
    const files = texts.map((text, index) => {
      const file = join(folder, `types${index}.ts`);
      writeFileSync(file, `${text}\nexport {};\n`);
      return file;
    });
    const tsc = join(root, "node_modules/.bin/tsc");
    const options = ["--noEmit", "--strict", "--ignoreConfig", "--types", "", "--target", "es2024"];
    const { status, stdout } = spawnSync(tsc, [...options, ...files], { encoding: "utf8" });
    equal(status, 0, stdout.slice(0, 4000));
  } finally {
    rmSync(folder, { recursive: true });
  }
  for (const text of texts) {
    const bare = text.replaceAll(/"(?:[^"\\]|\\.)*"|\/\*[^]*?\*\//g, "");
    ok(!bare.includes("evil"), bare);
  }
}
