import type { JsonSchema } from "../../base/contract-shape.ts";
import type { Listed } from "./sample.ts";

const text: JsonSchema = { type: "string" };
const number: JsonSchema = { type: "number" };
const integer: JsonSchema = { type: "integer" };

/** Values of all kinds, for schemas that say nothing of them. */
const anything: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1.5,
  1e300,
  "",
  "5",
  "true",
  "null",
  [],
  {},
  [[]],
  [[], [1, [2]], {}],
  [null, null],
  { a: null, b: [], c: {}, d: "", e: 0, f: false, g: "0", h: [{ i: [{}] }] },
  { item: "item", entry: { key: "value" }, type: "array", value: 1 },
];

const texts: readonly string[] = [
  "",
  " ",
  "  leading and trailing \n\t ",
  "line\nline\r\nline\r",
  "<a href=\"x\">&amp; ]]> <!-- --> <![CDATA[ 'quoted' </a>",
  "Grüße, 世界 🌍 \u{10ffff} é é",
  "\u0000\u0001\u0007\u001f\u007f\u0085\u2028\ufffe\uffff",
  "null",
  "true",
  "1e3",
  "__proto__",
  "x".repeat(70_000),
  "ß".repeat(300),
];

const numbers: readonly number[] = [
  0,
  1,
  -1,
  0.1,
  -0.5,
  1 / 3,
  5e-324,
  2.225_073_858_507_201_4e-308,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.EPSILON,
  16_777_217,
  2 ** 53,
  2 ** 64,
  1e21,
  123_456_789.123_456_79,
];

const integers: readonly number[] = [
  0,
  -1,
  23,
  24,
  127,
  128,
  -32,
  -33,
  255,
  256,
  -128,
  -129,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  2 ** 32 - 1,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
];

const tree: JsonSchema = {
  $ref: "#/$defs/Node",
  $defs: {
    Node: {
      type: "object",
      properties: {
        name: text,
        children: { type: "array", items: { $ref: "#/$defs/Node" } },
        next: { anyOf: [{ $ref: "#/$defs/Node" }, { type: "null" }] },
      },
      required: ["name", "children"],
    },
  },
};

export const shapeSamples: readonly Listed[] = [
  { name: "anything", schema: {}, values: anything },
  {
    name: "a field of anything",
    schema: {
      type: "object",
      properties: { value: {}, more: { type: "array", items: {} } },
      required: ["value", "more"],
    },
    values: anything.map((value) => ({ value, more: [value, value] })),
  },
  { name: "texts", schema: { type: "array", items: text }, values: [texts, []] },
  { name: "numbers", schema: { type: "array", items: number }, values: [numbers, [1], []] },
  { name: "whole numbers", schema: { type: "array", items: integer }, values: [integers, [0]] },
  { name: "a boolean", schema: { type: "boolean" }, values: [true, false] },
  { name: "null", schema: { type: "null" }, values: [null] },
  {
    name: "empty objects",
    schema: { type: "array", items: { type: "object", properties: {} } },
    values: [[{}, {}], [{}], []],
  },
  {
    name: "optional fields",
    schema: {
      type: "object",
      properties: {
        a: text,
        b: integer,
        c: { type: "boolean" },
        d: { type: "array", items: text },
      },
    },
    values: [{}, { a: "" }, { b: 0 }, { c: false }, { d: [] }, { a: "x", b: -1, c: true, d: [""] }],
  },
  {
    name: "fields that may be null",
    schema: {
      type: "object",
      properties: {
        a: { anyOf: [text, { type: "null" }] },
        b: { type: ["integer", "null"] },
        c: { anyOf: [{ type: "array", items: number }, { type: "null" }] },
      },
      required: ["a", "b", "c"],
    },
    values: [
      { a: null, b: null, c: null },
      { a: "", b: 0, c: [] },
      { a: "null", b: -5, c: [0.5] },
    ],
  },
  {
    name: "fields that may be null and may be absent",
    schema: {
      type: "object",
      properties: {
        a: { anyOf: [text, { type: "null" }] },
        b: { anyOf: [{ type: "object", properties: { c: integer } }, { type: "null" }] },
      },
    },
    values: [{}, { a: null }, { a: "" }, { b: null }, { b: {} }, { a: "x", b: { c: 0 } }],
  },
  {
    name: "one of several types",
    schema: {
      type: "array",
      items: {
        anyOf: [
          text,
          number,
          { type: "boolean" },
          { type: "null" },
          { type: "array", items: text },
          { type: "object", properties: { a: text }, required: ["a"] },
        ],
      },
    },
    values: [["5", 5, true, "true", null, "null", [], ["x"], { a: "" }, "", 0, -1.5]],
  },
  {
    name: "one of several objects",
    schema: {
      type: "array",
      items: {
        oneOf: [
          {
            type: "object",
            properties: { kind: { const: "circle" }, radius: number },
            required: ["kind", "radius"],
          },
          {
            type: "object",
            properties: { kind: { const: "square" }, side: number, name: text },
            required: ["kind", "side"],
          },
          { type: "object", properties: { kind: { const: "point" } }, required: ["kind"] },
        ],
      },
    },
    values: [
      [
        { kind: "circle", radius: 1.5 },
        { kind: "square", side: 2 },
        { kind: "square", side: 2, name: "" },
        { kind: "point" },
      ],
      [],
    ],
  },
  {
    name: "choices",
    schema: {
      type: "array",
      items: { enum: ["a", "b c", "", "1", "ümlaut"] },
    },
    values: [["a", "b c", "", "1", "ümlaut"]],
  },
  {
    name: "choices of several types",
    schema: { type: "array", items: { enum: ["1", 1, true, null, "true"] } },
    values: [["1", 1, true, null, "true"]],
  },
  {
    name: "lists of lists",
    schema: { type: "array", items: { type: "array", items: { type: "array", items: integer } } },
    values: [[], [[]], [[[]]], [[[1]], [], [[2, 3], []]]],
  },
  {
    name: "lists with gaps",
    schema: { type: "array", items: { anyOf: [integer, { type: "null" }] } },
    values: [[null], [null, 1, null], []],
  },
  {
    name: "a pair",
    schema: { type: "array", prefixItems: [text, integer] },
    values: [
      ["a", 1],
      ["", 0],
    ],
  },
  {
    name: "records",
    schema: { type: "object", additionalProperties: integer },
    values: [
      {},
      { a: 1 },
      { "": 1, " ": 2, "1": 3, "a b": 4, "a:b": 5, "<": 6, "&": 7, '"': 8, "'": 9, "\n\t": 10 },
      { item: 1, entry: 2, key: 3, type: 4, xml: 5, "xml-a": 6, "-a": 7, "a-b.c_d": 8, é: 9 },
      { constructor: 1, toString: 2, hasOwnProperty: 3, toJSON: 4, valueOf: 5, length: 6 },
      { "\u0000": 1, "\ud7ff": 2, "🌍": 3 },
    ],
  },
  {
    name: "records of lists of records",
    schema: {
      type: "object",
      additionalProperties: {
        type: "array",
        items: { type: "object", additionalProperties: text },
      },
    },
    values: [{ a: [], b: [{}], c: [{ d: "" }, { "odd key": "e" }] }],
  },
  {
    name: "an object with more than it declares",
    schema: {
      type: "object",
      properties: { a: text },
      required: ["a"],
      additionalProperties: {},
    },
    values: [{ a: "x" }, { a: "x", b: 1, c: [null], "odd key": { d: "" } }],
  },
  {
    name: "odd names of fields",
    schema: {
      type: "object",
      properties: { "odd-key": text, "a b": integer, class: text, "1st": text, _: text, äb: text },
      required: ["odd-key"],
    },
    values: [
      { "odd-key": "" },
      { "odd-key": "x", "a b": 1, class: "c", "1st": "d", _: "e", äb: "f" },
    ],
  },
  {
    name: "a tree",
    schema: tree,
    values: [
      { name: "root", children: [] },
      {
        name: "root",
        children: [
          { name: "a", children: [{ name: "b", children: [], next: null }] },
          { name: "c", children: [], next: { name: "d", children: [] } },
        ],
      },
    ],
  },
  {
    name: "both of two objects",
    schema: {
      allOf: [
        { type: "object", properties: { a: text }, required: ["a"] },
        { type: "object", properties: { b: integer }, required: ["b"] },
      ],
    },
    values: [{ a: "", b: 0 }],
  },
];
