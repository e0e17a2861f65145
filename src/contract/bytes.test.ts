import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, codecOf } from "./bytes.ts";
import { validate } from "./validation.ts";

test("bytes takes any Uint8Array as it is, and nothing else", () => {
  const value = Buffer.from("x");
  const result = validate(bytes(), value);
  assert.ok("value" in result && result.value === value);
  assert.deepEqual(validate(bytes(), "x"), { issues: [{ message: "expected a Uint8Array" }] });
});

test("bytes has a bound when one is given", () => {
  assert.deepEqual(validate(bytes({ max: 2 }), new Uint8Array(3)), {
    issues: [{ message: "expected at most 2 bytes, got 3" }],
  });
  assert.ok("value" in validate(bytes({ max: 3 }), new Uint8Array(3)));
});

test("only bytes travels raw", () => {
  assert.equal(codecOf(bytes()), "raw");
  for (const other of [undefined, null, {}, () => 1]) assert.equal(codecOf(other), "json");
});
