import type { JsonSchema } from "../../base/contract-shape.ts";
import type { Listed } from "./sample.ts";

/** The contract of the README, and an order as a shop would have it. */
const order: JsonSchema = {
  type: "object",
  properties: {
    id: { type: "string" },
    item: { type: "string" },
    state: { type: "string", enum: ["placed", "shipped"] },
  },
  required: ["id", "item", "state"],
};

const money: JsonSchema = {
  type: "object",
  properties: { amount: { type: "number" }, currency: { type: "string", enum: ["EUR", "USD"] } },
  required: ["amount", "currency"],
};

const cart: JsonSchema = {
  type: "object",
  properties: {
    customer: {
      anyOf: [
        {
          type: "object",
          properties: { kind: { type: "string", const: "person" }, name: { type: "string" } },
          required: ["kind", "name"],
        },
        {
          type: "object",
          properties: {
            kind: { type: "string", const: "company" },
            vat: { type: "string" },
            seats: { type: "integer" },
          },
          required: ["kind", "vat"],
        },
      ],
    },
    lines: {
      type: "array",
      items: {
        type: "object",
        properties: {
          sku: { type: "string" },
          count: { type: "integer", minimum: 1 },
          price: { $ref: "#/$defs/Money" },
          discount: { anyOf: [{ $ref: "#/$defs/Money" }, { type: "null" }] },
        },
        required: ["sku", "count", "price"],
      },
    },
    tags: { type: "array", items: { type: "string" } },
    note: { type: "string" },
    labels: { type: "object", additionalProperties: { type: "string" } },
    placedAt: { type: "string", format: "date-time" },
    gift: { type: "boolean" },
  },
  required: ["customer", "lines", "tags", "labels", "placedAt", "gift"],
  $defs: { Money: money },
};

export const orderSamples: readonly Listed[] = [
  {
    name: "what is ordered",
    schema: { type: "object", properties: { item: { type: "string" } }, required: ["item"] },
    values: [{ item: "kettle" }, { item: "" }],
  },
  { name: "an order", schema: order, values: [{ id: "o-1", item: "kettle", state: "shipped" }] },
  { name: "an order's number", schema: { type: "string" }, values: ["o-17", ""] },
  {
    name: "a list of orders",
    schema: { type: "array", items: order },
    values: [
      [],
      [{ id: "o-1", item: "kettle", state: "placed" }],
      Array.from({ length: 20 }, (_, index) => ({
        id: `o-${index}`,
        item: "cup",
        state: index % 2 === 0 ? "placed" : "shipped",
      })),
    ],
  },
  {
    name: "a cart",
    schema: cart,
    values: [
      {
        customer: { kind: "company", vat: "DE 123", seats: 12 },
        lines: [
          {
            sku: "k-1",
            count: 2,
            price: { amount: 19.99, currency: "EUR" },
            discount: { amount: 0.5, currency: "EUR" },
          },
          { sku: "k-2", count: 1, price: { amount: 5, currency: "USD" }, discount: null },
          { sku: "k-3", count: 1, price: { amount: -0.1, currency: "USD" } },
        ],
        tags: ["new", "", "new"],
        note: "ring twice & wait <here>",
        labels: { "odd key": "1", "": "empty", ünïcode: "✓", "a.b": "c", constructor: "x" },
        placedAt: "2026-11-28T10:00:00.000Z",
        gift: true,
      },
      {
        customer: { kind: "person", name: "Ada" },
        lines: [],
        tags: [],
        labels: {},
        placedAt: "",
        gift: false,
      },
    ],
  },
];
