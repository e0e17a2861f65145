import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { read, written } from "../suite/carry.ts";
import { samplesOf } from "../suite/sample.ts";
import { msgpack } from "./index.ts";

const [anything] = samplesOf("any", [{ name: "anything", schema: {}, values: [] }]);
const codec = msgpack().codec(anything!.type);
const hexOf = (value: unknown): string => written(codec, value).toString("hex");
const readHex = (hex: string): unknown => read(codec, Buffer.from(hex, "hex"));

test("values are written in the smallest form of the specification", () => {
  const known: [value: unknown, hex: string][] = [
    [{ compact: true, schema: 0 }, "82a7636f6d70616374c3a6736368656d6100"],
    [[null, false, 127, 128, -32, -33], "96c0c27fcc80e0d0df"],
    [1.5, "cb3ff8000000000000"],
    ["é", "a2c3a9"],
  ];
  for (const [value, hex] of known) {
    equal(hexOf(value), hex);
    deepEqual(readHex(hex), value);
  }
});

test("whole numbers beyond 32 bits are whole numbers, so that typed peers take them", () => {
  equal(hexOf(2 ** 32), "d30000000100000000");
  equal(hexOf(-(2 ** 31) - 1), "d3ffffffff7fffffff");
  equal(hexOf(2 ** 53), "cb4340000000000000");
});

test("what another library may write and JSON could not is refused", () => {
  const refused: [hex: string, why: RegExp][] = [
    ["c40100", /0xc4 has no JSON form/],
    ["d6ff00000000", /0xd6 has no JSON form/],
    ["8101c0", /name of a field/],
    ["cf0020000000000000", /53 bits/],
    ["d3ffdfffffffffffff", /53 bits/],
    ["cb7ff0000000000000", /infinite/],
    ["ca7fc00000", /infinite/],
  ];
  for (const [hex, why] of refused) throws(() => readHex(hex), why);
});

test("what is deeper than 512 levels is neither written nor read", () => {
  const deep = (levels: number): string => `${"91".repeat(levels)}c0`;
  let value: unknown = null;
  for (let level = 0; level < 512; level++) value = [value];
  equal(hexOf(value), deep(512));
  deepEqual(readHex(deep(512)), value);
  throws(() => hexOf([value]), /deeper than 512/);
  throws(() => readHex(deep(513)), /deeper than 512/);
});
