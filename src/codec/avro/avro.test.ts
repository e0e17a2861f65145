import { deepEqual, equal, match, throws } from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "../../base/contract-shape.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Codec } from "../codec.ts";
import type { PayloadType } from "../format.ts";
import avsc from "avsc";
import { avro, avroSchemaOf, jsonSchemaOfAvro, type AvroSchema } from "./index.ts";

/** The input of `orders.place`. */
function place(schema: JsonSchema): PayloadType {
  const operations = { place: { kind: "call", idempotent: false, in: schema } } as const;
  return {
    contract: { name: "orders", version: "1.0.0", operations },
    operation: "place",
    part: "in",
  };
}

function written(codec: Codec, value: unknown): Buffer {
  return Buffer.from(codec.encode(value) as Uint8Array);
}

const object = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]) =>
  place({ type: "object", properties, required });

const text: JsonSchema = { type: "string" };
const older = object({ item: text, count: { type: "integer" }, colour: text }, ["item", "count"]);
const newer = object({ item: text, count: { type: "number" }, size: text }, ["item", "count"]);

test("a value begins with C3 01 and the fingerprint that the standard gives its schema", () => {
  const known: [type: string, fingerprint: string][] = [
    ["null", "63dd24e7cc258f8a"],
    ["boolean", "9f42fc78a4d4f764"],
    ["string", "8f014872634503c7"],
    ["integer", "d054e14493f41db7"],
  ];
  const values: Readonly<Record<string, unknown>> = {
    null: null,
    boolean: true,
    string: "",
    integer: 1,
  };
  for (const [type, fingerprint] of known) {
    const bytes = written(avro().codec(place({ type })), values[type]);
    equal(bytes.readUInt16BE(0), 0xc301);
    equal(bytes.readBigUInt64LE(2).toString(16), fingerprint, type);
  }
});

test("what an older version has written is read when its schema is known", () => {
  const bytes = written(avro().codec(older), { item: "kettle", count: 2, colour: "red" });
  const reader = avro({ writers: [avroSchemaOf(older)] }).codec(newer);
  deepEqual(reader.decode(bytes, 0, bytes.length), { item: "kettle", count: 2 });
});

test("what a newer version has written is read when its schema is known", () => {
  const wider = object({ item: text, more: { type: "array", items: text } }, ["item"]);
  const narrow = object({ item: text }, ["item"]);
  const bytes = written(avro().codec(wider), { item: "kettle", more: ["a", "b"] });
  const reader = avro({ writers: [avroSchemaOf(wider)] }).codec(narrow);
  deepEqual(reader.decode(bytes, 0, bytes.length), { item: "kettle" });
});

test("a schema that is not known is refused by a typed error that says what to do", () => {
  const bytes = written(avro().codec(older), { item: "kettle", count: 2 });
  throws(
    () => avro().codec(newer).decode(bytes, 0, bytes.length),
    (error) => {
      equal(isTrunklineError(error) && error.code, "INVALID_ARGUMENT");
      match(String(error), /not known here, of fingerprint [0-9a-f]{16}.*writers/s);
      return true;
    },
  );
});

test("a known schema that cannot become ours is refused", () => {
  const other = object({ item: { type: "boolean" } }, ["item"]);
  const bytes = written(avro().codec(other), { item: true });
  const reader = avro({ writers: [avroSchemaOf(other)] }).codec(newer);
  throws(() => reader.decode(bytes, 0, bytes.length), Error);
});

test("what is no schema of Avro is refused at once", () => {
  throws(() => avro({ writers: [{ type: "record" }] }), {
    code: "INVALID_ARGUMENT",
    executed: "no",
  });
});

test("fields that the contract does not declare do not travel", () => {
  const codec = avro().codec(newer);
  const bytes = written(codec, { item: "kettle", count: 2, secret: "s" });
  deepEqual(codec.decode(bytes, 0, bytes.length), { item: "kettle", count: 2 });
});

test("a value that the schema does not describe is refused", () => {
  const codec = avro().codec(newer);
  throws(() => codec.encode({ item: "kettle" }), /count is missing/);
  throws(
    () => codec.encode({ item: 1, count: 2 }),
    /a number stands where the contract says string/,
  );
});

test("a schema is what other programs read: records, enums, unions, and JSON where Avro has no word", () => {
  const type = object(
    {
      id: text,
      state: { enum: ["placed", "shipped"] },
      "a-b": { anyOf: [{ type: "integer" }, { type: "null" }] },
      either: { allOf: [{ type: "object" }] },
    },
    ["id", "state", "either"],
  );
  deepEqual(avroSchemaOf(type), {
    type: "record",
    name: "PlaceInput",
    namespace: "orders",
    fields: [
      { name: "id", type: "string" },
      {
        name: "state",
        type: {
          type: "enum",
          name: "PlaceInputState",
          namespace: "orders",
          symbols: ["placed", "shipped"],
        },
      },
      {
        name: "a_b",
        jsonName: "a-b",
        type: [
          "null",
          "long",
          { type: "enum", name: "ExplicitNull", namespace: "trunkline", symbols: ["NULL"] },
        ],
        default: null,
      },
      { name: "either", type: { type: "string", logicalType: "json" } },
    ],
  });
});

test("a list of items that take no bytes is no bomb", () => {
  const codec = avro().codec(place({ type: "array", items: { type: "null" } }));
  const bytes = written(codec, [null]);
  // The count of the only block, as large as a number can be.
  const bomb = Buffer.concat([bytes.subarray(0, 10), Buffer.from("feffffffffffffff7f00", "hex")]);
  throws(() => codec.decode(bomb, 0, bomb.length), /more items than bytes/);
});

/** As somebody else would have written it. */
const shipment: AvroSchema = {
  type: "record",
  name: "Shipment",
  namespace: "com.acme.logistics",
  doc: "What is under way.",
  fields: [
    { name: "id", type: { type: "string", logicalType: "uuid" } },
    { name: "sentAt", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "boxes", type: "int", doc: "how many" },
    { name: "weight", type: "float" },
    { name: "label", type: "bytes" },
    { name: "state", type: { type: "enum", name: "State", symbols: ["PACKED", "SENT"] } },
    { name: "last", type: ["null", "State"], default: null },
    { name: "contents", type: { type: "map", values: { type: "array", items: "double" } } },
    { name: "note", type: ["string", "null"], default: "" },
    {
      name: "to",
      type: [
        { type: "record", name: "com.acme.Person", fields: [{ name: "name", type: "string" }] },
        {
          type: "record",
          name: "Depot",
          fields: [
            { name: "number", type: "int" },
            { name: "open", type: "boolean" },
          ],
        },
      ],
    },
    { name: "parts", type: { type: "array", items: "Shipment" } },
  ],
};

const sent = {
  id: "s-1",
  sentAt: 1_764_324_000_000,
  boxes: 2,
  weight: 0.5,
  label: "AAH/",
  state: "SENT",
  contents: { cups: [1, 2.5], none: [] },
  note: null,
  to: { number: 7, open: true },
  parts: [],
};

test("somebody else's schema becomes one for a contract, of which the same schema is made again", () => {
  const type = place(jsonSchemaOfAvro(shipment));
  const canonical = (schema: AvroSchema) =>
    avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true }).schema();
  deepEqual(canonical(avroSchemaOf(type)), canonical(shipment));
  const codec = avro().codec(type);
  const value = { ...sent, last: "PACKED", parts: [{ ...sent, to: { name: "Ada" }, note: "" }] };
  const bytes = written(codec, value);
  deepEqual(codec.decode(bytes, 0, bytes.length), value);
  throws(
    () => codec.encode({ ...sent, boxes: 2 ** 31 }),
    /a number stands where the contract says int/,
  );
  throws(() => codec.encode({ ...sent, label: "no base64" }), /bytes/);
});

test("what our own schemas say comes back from them: names, absent fields and nulls", () => {
  const own = object(
    { "a-b": { anyOf: [text, { type: "null" }] }, any: {}, n: { anyOf: [text, { type: "null" }] } },
    ["any", "n"],
  );
  const type = place(jsonSchemaOfAvro(avroSchemaOf(own)));
  deepEqual(avroSchemaOf(type), avroSchemaOf(own));
  for (const value of [
    { any: [1], n: null },
    { "a-b": null, any: null, n: "" },
  ]) {
    const bytes = written(avro().codec(own), value);
    deepEqual(avro().codec(type).decode(bytes, 0, bytes.length), value);
  }
});

test("what is no schema of Avro, or has no counterpart, is not imported", () => {
  const schemas: [schema: unknown, why: RegExp][] = [
    ["Order", /no type Order/],
    [{ type: "record", name: "A" }, /no fields/],
    [{ type: "record", fields: [] }, /without a name/],
    [{ type: "enum", name: "A" }, /no symbols/],
    [{ type: "fixed", name: "A", size: 4 }, /fixed A/],
    [5, /schema of Avro/],
    [
      [
        { type: "enum", name: "A", symbols: [] },
        { type: "enum", name: "A", symbols: [] },
      ],
      /twice/,
    ],
  ];
  for (const [schema, why] of schemas)
    throws(() => jsonSchemaOfAvro(schema as AvroSchema), {
      code: "INVALID_ARGUMENT",
      message: why,
    });
});
