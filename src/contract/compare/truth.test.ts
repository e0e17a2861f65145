// What the comparison says, against values and a validator that is not ours.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import * as fc from "fast-check";
import type { JsonSchema } from "../../base/contract-shape.ts";
import { accepts } from "./accepts.ts";
import { compatible, type Gap } from "./finding.ts";
import { schemaGaps } from "./operations.ts";
import { sample, schemaPairs } from "./random-schemas.ts";

const pairs = 800;
const valuesPerPair = 30;

function validator(schema: JsonSchema): (value: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false, validateSchema: false, logger: false });
  (formats as unknown as (of: Ajv2020) => void)(ajv);
  return ajv.compile(schema);
}

function gapsOf(reader: JsonSchema, writer: JsonSchema): readonly Gap[] {
  return schemaGaps(reader, writer, true);
}

/** Numbers that follow from a seed. */
function dice(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) % below;
  };
}

/** Fails with the seed by which fast-check plays it again. */
function holds(property: (reader: JsonSchema, writer: JsonSchema, seed: number) => void): void {
  fc.assert(
    fc.property(schemaPairs, fc.integer(), ([writer, reader], seed) =>
      property(reader, writer, seed),
    ),
    { numRuns: pairs },
  );
}

test("what is called compatible is: every value of the old schema is valid under the new one", (t) => {
  let [told, tried, unlike] = [0, 0, 0];
  holds((reader, writer, seed) => {
    if (!compatible(gapsOf(reader, writer))) return;
    told++;
    if (JSON.stringify(reader) !== JSON.stringify(writer)) unlike++;
    const [sends, reads] = [validator(writer), validator(reader)];
    const random = dice(seed);
    for (let index = 0; index < valuesPerPair; index++) {
      const value = sample(writer, writer, random);
      if (!sends(value)) continue;
      tried++;
      ok(reads(value), `${JSON.stringify(value)} was said to be compatible`);
    }
  });
  t.diagnostic(`${told} of ${pairs} pairs compatible, ${unlike} of them unlike; ${tried} values`);
  ok(
    unlike > pairs / 20 && tried > pairs,
    "too few pairs were compatible for this to say anything",
  );
});

test("what is said to break does: where values can be found, most such pairs have one that is refused", (t) => {
  let [told, shown, some] = [0, 0, 0];
  holds((reader, writer, seed) => {
    if (!gapsOf(reader, writer).some(({ verdict }) => verdict === "breaks")) return;
    told++;
    const [sends, reads] = [validator(writer), validator(reader)];
    const random = dice(seed);
    const values = Array.from({ length: valuesPerPair }, () =>
      sample(writer, writer, random),
    ).filter(sends);
    if (values.length > 5) some++;
    if (values.length > 5 && values.some((value) => !reads(value))) shown++;
  });
  t.diagnostic(`${told} pairs break; of ${some} with values ${shown} were shown to`);
  ok(some > 0 && shown / some > 0.6, `only ${shown} of ${some} were shown to break`);
});

test("a schema of which there are values does not break itself", () => {
  holds((_, schema, seed) => {
    const random = dice(seed);
    const valid = validator(schema);
    const values = Array.from({ length: valuesPerPair }, () => sample(schema, schema, random));
    // By another name for its definitions it is not found to be the same at once.
    const copy = JSON.parse(JSON.stringify(schema).replaceAll("Tree", "Wood")) as JsonSchema;
    const breaks = gapsOf(copy, schema).some(({ verdict }) => verdict === "breaks");
    ok(!breaks || !values.some(valid));
  });
});

test("a choice of which there are no values does not break what offers it", () => {
  const never = { type: "number", minimum: 2, maximum: 1 };
  const fields = { kind: { const: "a" }, value: { anyOf: [never, { const: "a" }] } };
  const schema = { oneOf: [{ type: "object", properties: fields, required: ["kind"] }] };
  deepEqual(gapsOf(structuredClone(schema), { ...schema, title: "other" }), []);
});

test("whether one value is allowed is told as the validator tells it, or not at all", () => {
  holds((schema, other, seed) => {
    const random = dice(seed);
    const reads = validator(schema);
    for (const from of [schema, other]) {
      const value = sample(from, from, random);
      const answer = accepts({ schema, root: schema }, value);
      if (answer !== "unknown") equal(answer, reads(value) ? "yes" : "no", JSON.stringify(value));
    }
  });
});

test("the usual additions are compatible, and say so", () => {
  const text = { type: "string" };
  const base = { type: "object", properties: { a: text }, required: ["a"] };
  const more = { ...base, properties: { a: text, b: text } };
  deepEqual(gapsOf(more, base), []);
  deepEqual(
    gapsOf(base, more).map(({ verdict }) => verdict),
    ["ok"],
  );
  deepEqual(gapsOf({ type: ["string", "null"] }, text), []);
  deepEqual(gapsOf({ anyOf: [text, { type: "number" }] }, { type: "integer" }), []);
  deepEqual(gapsOf({ enum: ["a", "b", "c"] }, { enum: ["b", "a"] }), []);
});
