import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import type { QueueConsumer } from "../broker/embedded/consumer.ts";
import { Unsettled, type Held } from "./unsettled.ts";

/** Held ones that are told apart by their place. */
function held(seq: number): Held {
  return { handed: { seq } as Held["handed"], by: {} as QueueConsumer, consumer: undefined };
}

function tagsOf(taken: readonly (readonly [number, Held])[]): readonly number[] {
  return taken.map(([tag]) => tag);
}

void test("all up to a tag are taken in their order, but for those that are settled, and are not there again", () => {
  const unsettled = new Unsettled();
  for (let seq = 1; seq <= 6; seq++) unsettled.add(held(seq));
  unsettled.skip();
  unsettled.add(held(8));
  unsettled.take(2);
  deepEqual(tagsOf(unsettled.takeUpTo(4)), [1, 3, 4]);
  deepEqual(tagsOf(unsettled.takeUpTo(4)), []);
  equal(unsettled.count, 3);
  equal(unsettled.has(4), false);
  deepEqual(
    unsettled.takeUpTo(Infinity).map(([tag, { handed }]) => [tag, handed.seq]),
    [
      [5, 5],
      [6, 6],
      [8, 8],
    ],
  );
  equal(unsettled.count, 0);
});

void test("what is put back is taken again at its place, however many were forgotten meanwhile", () => {
  const unsettled = new Unsettled();
  for (let seq = 1; seq <= 5_000; seq++) unsettled.add(held(seq));
  const [first, second] = unsettled.takeUpTo(4_000);
  unsettled.restore(second![0], second![1]);
  unsettled.restore(first![0], first![1]);
  equal(unsettled.count, 1_002);
  deepEqual(tagsOf(unsettled.takeUpTo(4_001)), [1, 2, 4_001]);
});
