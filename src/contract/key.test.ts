import assert from "node:assert/strict";
import { test } from "node:test";
import { keyAt } from "./key.ts";

test("a key is found along its path, as text", () => {
  assert.equal(keyAt("id", { id: "a" }), "a");
  assert.equal(keyAt("order.id", { order: { id: 7 } }), "7");
  assert.equal(keyAt("a.b.c", { a: { b: { c: false } } }), "false");
});

test("where a field on the way is absent, null, inherited or no plain value, there is no key", () => {
  for (const input of [
    {},
    { order: null },
    { order: 5 },
    { order: {} },
    { order: { id: {} } },
    undefined,
    "order",
  ]) {
    assert.equal(keyAt("order.id", input), undefined);
  }
  assert.equal(keyAt("constructor.name", {}), undefined);
});
