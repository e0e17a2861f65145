import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { cbor } from "./index.ts";

const codec = cbor().codec({
  contract: { name: "any", version: "1.0.0", operations: {} },
  operation: "any",
  part: "in",
});

function hexOf(value: unknown): string {
  return Buffer.from(codec.encode(value) as Uint8Array).toString("hex");
}

function read(hex: string): unknown {
  const memory = Buffer.from(hex, "hex");
  return codec.decode(memory, 0, memory.length);
}

test("values are written as the examples of RFC 8949 are", () => {
  const known: [value: unknown, hex: string][] = [
    [1_000_000_000_000, "1b000000e8d4a51000"],
    [-1000, "3903e7"],
    [1.1, "fb3ff199999999999a"],
    [1.5, "f93e00"],
    [100_000.5, "fa47c35040"],
    [[1, [2, 3], [4, 5]], "8301820203820405"],
    [{ a: 1, b: [2, 3] }, "a26161016162820203"],
    ["水", "63e6b0b4"],
    [[null, true, false], "83f6f5f4"],
  ];
  for (const [value, hex] of known) {
    equal(hexOf(value), hex);
    deepEqual(read(hex), value);
  }
});

test("fields keep their order, and items of unknown length are read", () => {
  equal(hexOf({ b: 1, a: 2 }), "a2616201616102");
  deepEqual(read("9f018202039f0405ffff"), [1, [2, 3], [4, 5]]);
  deepEqual(read("bf61610161629f0203ffff"), { a: 1, b: [2, 3] });
});

test("what another library may write and JSON could not is refused", () => {
  const refused = [
    "4401020304",
    "c11a514b67b0",
    "f7",
    "f97e00",
    "f97c00",
    "1bffffffffffffffff",
    "a10101",
  ];
  for (const hex of refused) throws(() => read(hex), Error, hex);
});

test("the end of an item in the place of a value is refused", () => {
  throws(() => read("bf6161ffff"), /an item ends where a value should be/);
});
