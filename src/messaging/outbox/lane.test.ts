import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../base/random.ts";
import { shardOf } from "../../broker/shard-of.ts";
import { isOrdered, orderedLanes } from "../../store/outbox-rows.ts";
import { anyLane, laneOfKey } from "./lane.ts";

test("OB-3: a key has the same lane for ever, whatever version of Trunkline writes it", () => {
  deepEqual(
    ["", "a", "order-1", "ORD", "straße", "🛬"].map(laneOfKey),
    [70, 108, 227, 103, 190, 24],
  );
});

test("keys are spread evenly over lanes, and the keys of one lane over the shards of a broker", () => {
  const counts = new Map<number, number>();
  const shards = new Set<number>();
  for (let index = 0; index < 25_600; index++) {
    const key = `order-${index}`;
    const lane = laneOfKey(key);
    ok(lane >= 0 && lane < orderedLanes);
    counts.set(lane, (counts.get(lane) ?? 0) + 1);
    if (lane === 7) shards.add(shardOf(key, 12));
  }
  equal(counts.size, orderedLanes);
  ok(Math.max(...counts.values()) < 200, String(Math.max(...counts.values())));
  equal(shards.size, 12);
});

test("what has no key is in lanes where nobody waits for anybody", () => {
  const random = seededRandom(1);
  for (let index = 0; index < 1_000; index++) equal(isOrdered(anyLane(random)), false);
});
