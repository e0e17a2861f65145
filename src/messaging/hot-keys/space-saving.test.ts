import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { SpaceSaving } from "./space-saving.ts";

const keys = fc.array(
  fc.nat(30).map((number) => `k${Math.floor(number ** 1.5)}`),
  {
    maxLength: 400,
  },
);

test("no count is too low, none is too high by more than its error, and no frequent key is missing, whatever comes", () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 12 }), (stream, capacity) => {
      const sketch = new SpaceSaving(capacity);
      const exact = new Map<string, number>();
      for (const key of stream) {
        sketch.add(key);
        exact.set(key, (exact.get(key) ?? 0) + 1);
      }
      assert.equal(sketch.total, stream.length);
      assert.ok(sketch.size <= capacity);
      const top = sketch.top(capacity);
      for (const { key, count, error } of top) {
        assert.ok(count >= exact.get(key)!, `${key} is counted too low`);
        assert.ok(count - error <= exact.get(key)!, `${key} is counted too high`);
        assert.ok(error <= stream.length / capacity, "an error is above its bound");
      }
      const known = new Set(top.map(({ key }) => key));
      for (const [key, count] of exact)
        if (count > stream.length / capacity) assert.ok(known.has(key), `${key} is missing`);
      assert.deepEqual(
        top.map(({ count }) => count),
        top.map(({ count }) => count).toSorted((a, b) => b - a),
      );
    }),
  );
});

test("what was hot does not stay so when the past counts less and less", () => {
  const sketch = new SpaceSaving(10);
  for (let turn = 0; turn < 100; turn++) sketch.add("yesterday");
  for (let round = 0; round < 5; round++) {
    sketch.halve();
    for (let turn = 0; turn < 100; turn++) sketch.add("today");
  }
  assert.ok(sketch.shareOf("yesterday") < 0.05);
  assert.ok(sketch.shareOf("today") > 0.9);
  assert.equal(sketch.top(1)[0]!.key, "today");
});

test("the sketch goes on after the past was halved, within its bounds", () => {
  fc.assert(
    fc.property(keys, keys, (before, after) => {
      const sketch = new SpaceSaving(5);
      for (const key of before) sketch.add(key);
      sketch.halve();
      for (const key of after) sketch.add(key);
      assert.ok(sketch.size <= 5);
      for (const { count, error } of sketch.top(5)) assert.ok(count > 0 && error < count);
    }),
  );
});
