import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { BoundedQueue } from "./bounded-queue.ts";

test("what goes in first comes out first, and nothing goes in past the capacity", () => {
  const queue = new BoundedQueue<number>(3);
  assert.equal(queue.shift(), undefined);
  assert.deepEqual(
    [1, 2, 3, 4].map((item) => queue.push(item)),
    [true, true, true, false],
  );
  assert.equal(queue.size, 3);
  assert.deepEqual(
    [queue.shift(), queue.shift(), queue.shift(), queue.shift()],
    [1, 2, 3, undefined],
  );
  assert.equal(queue.size, 0);
});

test("an item may be undefined", () => {
  const queue = new BoundedQueue<undefined>(2);
  assert.ok(queue.push(undefined));
  assert.equal(queue.size, 1);
  queue.shift();
  assert.equal(queue.size, 0);
});

test("clearing it makes room", () => {
  const queue = new BoundedQueue<number>(2);
  queue.push(1);
  queue.push(2);
  queue.clear();
  assert.equal(queue.size, 0);
  assert.ok(queue.push(3));
  assert.equal(queue.shift(), 3);
});

test("it does what an array would do, whatever its capacity and however it wraps", () => {
  const acts = fc.array(
    fc.oneof(fc.constant("shift" as const), fc.constant("clear" as const), fc.nat()),
    {
      maxLength: 300,
      size: "max",
    },
  );
  fc.assert(
    fc.property(fc.oneof(fc.nat(40), fc.constant(Infinity)), acts, (capacity, steps) => {
      const queue = new BoundedQueue<number>(capacity);
      let model: number[] = [];
      for (const step of steps) {
        if (step === "shift") assert.equal(queue.shift(), model.shift());
        else if (step === "clear") {
          queue.clear();
          model = [];
        } else {
          assert.equal(queue.push(step), model.length < capacity);
          if (model.length < capacity) model.push(step);
        }
        assert.equal(queue.size, model.length);
      }
    }),
  );
});
