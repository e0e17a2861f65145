import { deepEqual, equal, match, throws } from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "../../base/contract-shape.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Codec } from "../codec.ts";
import type { PayloadType } from "../format.ts";
import { avro, avroSchemaOf } from "./index.ts";

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
          { type: "enum", name: "ExplicitNull", namespace: "orders", symbols: ["NULL"] },
          "long",
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
