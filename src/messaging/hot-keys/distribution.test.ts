import assert from "node:assert/strict";
import { test } from "node:test";
import { Distribution } from "./distribution.ts";

test("shares of shards, hot keys and the time without work are told", () => {
  const distribution = new Distribution(1_000);
  for (let turn = 0; turn < 300; turn++) distribution.arrived("0", "acme");
  for (let turn = 0; turn < 100; turn++) distribution.arrived("1", `small-${turn}`);
  distribution.begins(1_000);
  distribution.begins(1_010); // two at once count once
  distribution.ends(1_020);
  distribution.ends(1_040);
  distribution.begins(1_080);
  const stats = distribution.stats(1_100);
  assert.equal(stats.messages, 400);
  assert.deepEqual(stats.shards, [
    { shard: "0", share: 0.75 },
    { shard: "1", share: 0.25 },
  ]);
  assert.equal(stats.maxOverMean, 1.5);
  assert.deepEqual(stats.hotKeys, [{ key: "acme", share: 0.75 }]);
  assert.ok(Math.abs(stats.idle - 0.4) < 1e-9);
});

test("without messages and without time nothing is uneven", () => {
  const { messages, shards, maxOverMean, idle } = new Distribution(5).stats(5);
  assert.deepEqual(
    { messages, shards, maxOverMean, idle },
    { messages: 0, shards: [], maxOverMean: 0, idle: 0 },
  );
});
