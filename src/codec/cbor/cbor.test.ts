import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { read, written } from "../suite/carry.ts";
import { samplesOf } from "../suite/sample.ts";
import { cbor } from "./index.ts";

const [anything] = samplesOf("any", [{ name: "anything", schema: {}, values: [] }]);
const codec = cbor().codec(anything!.type);
const hexOf = (value: unknown): string => written(codec, value).toString("hex");
const readHex = (hex: string): unknown => read(codec, Buffer.from(hex, "hex"));

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
    deepEqual(readHex(hex), value);
  }
});

test("fields keep their order, and items of unknown length are read", () => {
  equal(hexOf({ b: 1, a: 2 }), "a2616201616102");
  deepEqual(readHex("9f018202039f0405ffff"), [1, [2, 3], [4, 5]]);
  deepEqual(readHex("bf61610161629f0203ffff"), { a: 1, b: [2, 3] });
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
  for (const hex of refused) throws(() => readHex(hex), Error, hex);
});

test("the end of an item in the place of a value is refused", () => {
  throws(() => readHex("bf6161ffff"), /an item ends where a value should be/);
});
