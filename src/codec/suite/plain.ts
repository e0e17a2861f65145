import { deepEqual, equal, throws } from "node:assert/strict";
import type { JsonSchema } from "../../base/contract-shape.ts";
import type { Codec } from "../codec.ts";
import type { Format } from "../format.ts";
import { codecOrRefusal, read, throughJson, written } from "./carry.ts";
import type { Case } from "./case.ts";
import { samplesOf } from "./sample.ts";

const any: JsonSchema = {};
const text: JsonSchema = { type: "string" };
const number: JsonSchema = { type: "number" };
const integer: JsonSchema = { type: "integer" };
const nullable: JsonSchema = { anyOf: [{ type: "integer" }, { type: "null" }] };

const object = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: "object",
  properties,
});
const array = (items: JsonSchema): JsonSchema => ({ type: "array", items });

class Point {
  readonly x: number = 1;
  get y(): number {
    return 2;
  }
}

/** A fixed instant: no clock is read. */
const epoch: unknown = Reflect.construct(Date, [0]);

/** Values that JSON writes as others, or leaves out. */
const changed: readonly [what: string, schema: JsonSchema, value: unknown][] = [
  ["a Date", text, epoch],
  ["a Date in an object", object({ at: text }), { at: epoch }],
  ["a field without a value", object({ a: integer, b: integer }), { a: 1, b: undefined }],
  ["an item without a value", array(nullable), [1, undefined, 3]],
  ["what is no number", number, Number.NaN],
  ["infinity in a list", array(number), [1, Infinity]],
  ["less than nothing", number, -0],
  ["an object that writes itself", object({ a: integer }), { toJSON: () => ({ a: 7 }) }],
  ["an instance of a class", object({ x: integer }), new Point()],
  [
    "an object without a prototype",
    object({ a: integer }),
    Object.assign(Object.create(null), { a: 1 }),
  ],
  ["a function in an object", object({ a: integer }), { a: 1, b: () => 2 }],
  ["a Map", object({}), new Map([["a", 1]])],
  ["a Date of anything", any, { at: [epoch, undefined] }],
  ["half a character", text, "a\ud800b"],
  [
    "half a character in a name",
    { type: "object", additionalProperties: integer },
    { "\udc00": 1 },
  ],
  ["bytes", any, { bytes: new Uint8Array([1, 2]) }],
];

/** Values that JSON refuses. */
const refused: readonly [what: string, schema: JsonSchema, value: unknown][] = [
  ["a bigint", integer, 5n],
  ["a bigint in an object", object({ a: integer }), { a: 5n }],
  ["a bigint of anything", any, [5n]],
  ["a function", any, () => 1],
  ["a symbol", text, Symbol("s")],
  ["an object that holds itself", any, itself()],
];

export function plainCases(format: Format): Case[] {
  const codecOf = (schema: JsonSchema): Codec | undefined => {
    const [sample] = samplesOf("plain", [{ name: "value", schema, values: [] }]);
    return codecOrRefusal(format, sample!.type);
  };
  return [
    ...changed.map(([what, schema, value]) => ({
      name: `makes of ${what} what JSON makes of it, or refuses it`,
      play: () => {
        const codec = codecOf(schema);
        if (codec === undefined) return;
        let bytes: Buffer;
        try {
          bytes = written(codec, value);
        } catch {
          return;
        }
        deepEqual(read(codec, bytes), throughJson(value));
      },
    })),
    ...refused.map(([what, schema, value]) => ({
      name: `refuses ${what}`,
      play: () => {
        const codec = codecOf(schema);
        if (codec !== undefined) throws(() => written(codec, value));
      },
    })),
    {
      name: "passes an exception of an object that writes itself on",
      play: () => {
        const thrown = new Error("mine");
        const codec = codecOf(object({ a: integer }));
        if (codec === undefined) return;
        const value = {
          toJSON() {
            throw thrown;
          },
        };
        throws(
          () => written(codec, value),
          (error) => error === thrown,
        );
      },
    },
    { name: "lets a field be called __proto__, or refuses it", play: () => proto(codecOf) },
  ];
}

function proto(codecOf: (schema: JsonSchema) => Codec | undefined): void {
  const value: unknown = JSON.parse(
    '{"__proto__":{"polluted":1},"b":{"__proto__":{"polluted":1}}}',
  );
  const inner: JsonSchema = { type: "object", additionalProperties: integer };
  for (const schema of [any, { type: "object", additionalProperties: inner }]) {
    const codec = codecOf(schema);
    if (codec === undefined) continue;
    let bytes: Buffer | undefined;
    try {
      bytes = written(codec, value);
    } catch {}
    if (bytes !== undefined) equal(JSON.stringify(read(codec, bytes)), JSON.stringify(value));
    equal(({} as Record<string, unknown>)["polluted"], undefined);
  }
}

function itself(): unknown {
  const loop: Record<string, unknown> = {};
  loop["loop"] = loop;
  return loop;
}
