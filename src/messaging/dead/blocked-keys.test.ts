import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { BlockedKeys } from "./blocked-keys.ts";

const none = (): boolean => false;

test("a key is blocked from its first letter until its last one is handled", () => {
  const keys = new BlockedKeys();
  const first = keys.bury("a", "0", undefined, 100);
  const second = keys.bury("a", "0", undefined, 100);
  deepEqual([first, second], [100, 101]);
  equal(keys.handled("a", first), false);
  const third = keys.bury("a", "0", undefined, 100);
  equal(keys.handled("a", second), false);
  equal(keys.handled("a", third), true);
  equal(keys.has("a"), false);
  equal(keys.handled("a", third), false);
});

test("one that dies again keeps its order", () => {
  const keys = new BlockedKeys();
  const first = keys.bury("a", "0", undefined, 100);
  keys.bury("a", "0", undefined, 200);
  equal(keys.bury("a", "0", first, 300), first);
  equal(keys.letters("a"), 2);
});

test("orders go on from the letters that a look has found, whatever the clock says", () => {
  const keys = new BlockedKeys();
  keys.seen([{ key: "a", shard: "0", order: 500 }], none);
  equal(keys.bury("a", "0", undefined, 100), 501);
});

test("a look does not bring back what changed while it was under way", () => {
  const keys = new BlockedKeys();
  const order = keys.bury("a", "0", undefined, 100);
  keys.lookBegins();
  keys.handled("a", order);
  keys.bury("b", "0", undefined, 100);
  keys.seen([{ key: "a", shard: "0", order }], none);
  deepEqual(keys.keys, ["b"]);
});

test("a key that two looks in a row do not find is free; one look may have come at a bad time", () => {
  const keys = new BlockedKeys();
  keys.bury("a", "0", undefined, 100);
  keys.lookBegins();
  keys.seen([], none);
  equal(keys.has("a"), true);
  keys.lookBegins();
  keys.seen([], none);
  equal(keys.has("a"), false);
});

test("of a shard that has just come nothing holds but what the look finds", () => {
  const keys = new BlockedKeys();
  keys.bury("a", "0", undefined, 100);
  keys.bury("b", "1", undefined, 100);
  keys.lookBegins();
  keys.seen([{ key: "c", shard: "0", order: 1 }], (shard) => shard === "0");
  deepEqual(keys.keys.toSorted(), ["b", "c"]);
});
