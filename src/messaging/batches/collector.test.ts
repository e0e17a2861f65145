import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { sleep } from "../../base/alarm.ts";
import { isTrunklineError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { batchBounds, Collector } from "./collector.ts";

test("a batch is complete at its count, at its bytes, or when its first item has waited long enough", async () => {
  const env = new VirtualEnv();
  const batches: { readonly items: readonly string[]; readonly atMs: number }[] = [];
  const collector = new Collector<string>(
    batchBounds({ count: 3, bytes: 10, within: "100ms" }),
    env,
    (items) => batches.push({ items, atMs: env.now() }),
  );
  for (const item of ["a", "b", "c"]) collector.add(item, 1);
  collector.add("d", 6);
  collector.add("e", 6); // together they would be too large
  await sleep(env, 50);
  collector.add("f", 1);
  await sleep(env, 200);
  assert.deepEqual(
    batches.map(({ items }) => items.join("")),
    ["abc", "d", "ef"],
  );
  assert.deepEqual(
    batches.slice(0, 2).map(({ atMs }) => atMs),
    [0, 0],
  );
  assert.equal(batches[2]!.atMs, 100);
  assert.equal(env.alarms, 0);
});

test("without a wait the items of one turn are one batch", async () => {
  const env = new VirtualEnv();
  const batches: string[] = [];
  const collector = new Collector<string>(batchBounds(), env, (items) =>
    batches.push(items.join("")),
  );
  collector.add("a", 1);
  collector.add("b", 1);
  assert.deepEqual(batches, []);
  await sleep(env, 10);
  collector.add("c", 1);
  await sleep(env, 10);
  assert.deepEqual(batches, ["ab", "c"]);
});

test("nothing is lost, doubled or reordered, and no batch is above its bounds unless one item is, whatever is added", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(20)),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 15 }),
      (sizes, count, bytes) => {
        const batches: (readonly (readonly [number, number])[])[] = [];
        const collector = new Collector<readonly [number, number]>(
          batchBounds({ count, bytes, within: "1s" }),
          new VirtualEnv(),
          (items) => batches.push(items),
        );
        sizes.forEach((size, index) => collector.add([index, size], size));
        collector.flush();
        assert.deepEqual(
          batches.flat().map(([index]) => index),
          sizes.map((_, index) => index),
        );
        for (const batch of batches) {
          const total = batch.reduce((sum, [, size]) => sum + size, 0);
          assert.ok(batch.length <= count && (batch.length === 1 || total <= bytes));
        }
        assert.equal(collector.waiting, 0);
      },
    ),
  );
});

test("bounds that cannot be meant are refused", () => {
  for (const terms of [{ count: 0 }, { count: 1.5 }, { bytes: 0 }, { within: "2m" }] as const)
    assert.throws(
      () => batchBounds(terms),
      (error) => isTrunklineError(error) && error.code === "INVALID_ARGUMENT",
    );
});
