import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { call } from "./call.ts";
import { contract } from "./contract.ts";
import { describe } from "./describe.ts";
import { plainSchema } from "./plain-schema.ts";
import { explain, isPending, validate } from "./validation.ts";

const order = plainSchema<unknown>({
  type: "object",
  properties: {
    id: { type: "string" },
    state: { enum: ["placed", "shipped"] },
    items: { type: "array", items: { type: "integer" } },
    prices: { type: "object", additionalProperties: { type: "number" } },
  },
  required: ["id"],
});

function told(value: unknown): string {
  const result = validate(order, value);
  if (isPending(result)) throw new Error("plain schemas do not wait");
  return result.issues === undefined ? "valid" : explain(result.issues);
}

test("a value that says what it must is handed on as it is, fields unknown here too", () => {
  const value = { id: "o-1", state: "placed", items: [1], prices: { gbp: 2.5 }, newer: true };
  deepEqual(validate(order, value), { value });
});

test("what is wrong is told with its place", () => {
  equal(told("o-1"), "expected object");
  equal(told(null), "expected object");
  equal(told([]), "expected object");
  equal(told({}), "id: required");
  equal(told({ id: 1 }), "id: expected string");
  equal(told({ id: "", state: "lost" }), "state: expected one of placed, shipped");
  equal(told({ id: "", items: [1, 1.5] }), "items.1: expected integer");
  equal(told({ id: "", prices: { gbp: "2" } }), "prices.gbp: expected number");
});

test("a description shows it whole", () => {
  const text = plainSchema<string>({ type: "string" });
  const about = describe(contract("plain", { version: "1.0.0" }, { get: call({ out: text }) }));
  deepEqual(about.operations["get"]!.out, { type: "string" });
  equal(about.digest.startsWith("full:"), true);
});
