import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { JsonSchema } from "../base/contract-shape.ts";
import { avro } from "./avro/index.ts";
import { cbor } from "./cbor/index.ts";
import { jsonFormat } from "./json-format.ts";
import { msgpack } from "./msgpack/index.ts";
import { read, throughJson, written } from "./suite/carry.ts";
import { samplesOf } from "./suite/sample.ts";
import { xml } from "./xml/index.ts";

/*
 * Goal: whatever a contract describes comes back, in every format, as JSON would bring it back.
 * Method: random schemas, with random values of each.
 */

interface Described {
  readonly schema: JsonSchema;
  readonly value: fc.Arbitrary<unknown>;
}

const whole = fc.maxSafeInteger();
const real = fc.double({ noNaN: true, noDefaultInfinity: true });
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(" true ", "1", " 1\n", "null", "\r", "&amp;", "]]>"),
);
const name = fc.oneof(fc.string({ minLength: 1, maxLength: 4 }), fc.constantFrom("a", "b", "item"));

const leaves: readonly Described[] = [
  { schema: { type: "string" }, value: text },
  { schema: { type: "integer" }, value: whole },
  { schema: { type: "number" }, value: real },
  { schema: { type: "boolean" }, value: fc.boolean() },
  { schema: { type: "null" }, value: fc.constant(null) },
  { schema: { enum: ["a", "b"] }, value: fc.constantFrom("a", "b") },
  { schema: { enum: ["1", 1, null] }, value: fc.constantFrom("1", 1, null) },
  { schema: {}, value: fc.jsonValue({ maxDepth: 3 }) },
];

const { described } = fc.letrec<{ described: Described }>((tie) => ({
  described: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...leaves),
    tie("described").map(({ schema, value }) => ({
      schema: { type: "array", items: schema },
      value: fc.array(value, { maxLength: 4 }),
    })),
    tie("described").map(({ schema, value }) => ({
      schema: { type: "object", additionalProperties: schema },
      value: fc.dictionary(
        name.filter((each) => each !== "__proto__"),
        value,
        { maxKeys: 4, noNullPrototype: true },
      ),
    })),
    fc.array(tie("described"), { minLength: 1, maxLength: 3 }).map((branches) => ({
      schema: { anyOf: branches.map(({ schema }) => schema) },
      value: fc.oneof(...branches.map(({ value }) => value)),
    })),
    fc
      .dictionary(name, fc.tuple(tie("described"), fc.boolean()), { maxKeys: 4 })
      .map((fields) => objectOf(Object.entries(fields))),
  ),
}));

function objectOf(
  fields: readonly (readonly [name: string, field: [described: Described, required: boolean]])[],
): Described {
  const required = fields.filter(([, [, needed]]) => needed).map(([field]) => field);
  const properties = fields.map(([field, [{ schema }]]) => [field, schema] as const);
  const values = fields.map(([field, [{ value }]]) => [field, value] as const);
  return {
    schema: { type: "object", properties: Object.fromEntries(properties), required },
    value: fc.record(Object.fromEntries(values), { requiredKeys: required, noNullPrototype: true }),
  };
}

for (const format of [jsonFormat, msgpack(), cbor(), xml(), avro()]) {
  test(`${format.name} brings everything back`, () => {
    const cases = described.chain(({ schema, value }) =>
      fc.record({ schema: fc.constant(schema), value }),
    );
    fc.assert(
      fc.property(cases, ({ schema, value }) => {
        const [sample] = samplesOf("random", [{ name: "random", schema, values: [] }]);
        const codec = format.codec(sample!.type);
        deepEqual(read(codec, written(codec, value)), throughJson(value));
      }),
      { numRuns: 300 },
    );
  });
}
