import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeContracts, encodeIntroduction, readIntroduction, readPush } from "./setup.ts";

const orders = { name: "orders", major: 1, digest: "full:0", operations: ["place", "get"] };
const billing = { name: "billing", major: 12, digest: "", operations: [] };
const introduction = {
  wire: 1,
  codecs: ["json", "raw"],
  instance: "desk-3",
  itemBytesMax: 1_000,
  contracts: [orders, billing],
};

test("the introduction of version 1 is written as it always was, and read back", () => {
  const text =
    '{"wire":1,"codecs":["json","raw"],"instance":"desk-3","itemBytesMax":1000,"contracts":[["orders",1,"full:0",["place","get"]],["billing",12,"",[]]]}';
  assert.equal(encodeIntroduction(introduction), text);
  assert.deepEqual(readIntroduction(text), introduction);
});

test("an introduction of a later version is read as far as it is known", () => {
  const text = JSON.stringify({
    wire: 7,
    codecs: ["cbor", "json", 3],
    instance: { name: "desk" },
    itemBytesMax: "4 MiB",
    contracts: [["orders", 1, { sha: "…" }, ["place", { name: "get" }], "more", 7]],
    capabilities: { lanes: true },
  });
  assert.deepEqual(readIntroduction(text), {
    wire: 7,
    codecs: ["cbor", "json", ""],
    instance: "",
    itemBytesMax: Infinity,
    contracts: [{ name: "orders", major: 1, digest: "", operations: ["place", ""] }],
  });
});

test("one who says little is welcome: only the version must be there", () => {
  assert.deepEqual(readIntroduction('{"wire":1}'), {
    wire: 1,
    codecs: [],
    instance: "",
    itemBytesMax: Infinity,
    contracts: [],
  });
});

test("what is no introduction is none", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "7",
    "{",
    "{}",
    '{"wire":"1"}',
    '{"wire":1,"contracts":{}}',
    '{"wire":1,"contracts":[7]}',
    '{"wire":1,"contracts":[[]]}',
    '{"wire":1,"contracts":[["orders","1","",[]]]}',
    '{"wire":1,"contracts":[["orders",1,"","place"]]}',
  ]) {
    assert.equal(readIntroduction(text), undefined, text);
  }
});

test("a push announces contracts, or says who serves, or says nothing that is known", () => {
  assert.deepEqual(readPush(encodeContracts([orders])), { contracts: [orders], hello: undefined });
  const hello = { wire: 1, codecs: ["json"], instance: "orders-1", bootId: "b-1", itemBytesMax: 9 };
  assert.deepEqual(readPush(JSON.stringify({ ...hello, load: 0.5 })), { contracts: [], hello });
  const nothing = { contracts: [], hello: undefined };
  for (const text of [
    "",
    "null",
    "[]",
    "{",
    '{"lease":7}',
    '{"contracts":7}',
    '{"bootId":7,"wire":1}',
  ])
    assert.deepEqual(readPush(text), nothing, text);
});
