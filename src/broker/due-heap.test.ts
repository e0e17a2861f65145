import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { between, seededRandom } from "../base/random.ts";
import { DueHeap } from "./due-heap.ts";

test("what is due is taken in the order of its time, and nothing else", () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const random = seededRandom(seed, "heap");
  const heap = new DueHeap<{ readonly dueAt: number }>();
  const all = Array.from({ length: 500 }, () => between(random, 1, 1_000));
  heap.replace(all.slice(0, 200).map((dueAt) => ({ dueAt })));
  for (const dueAt of all.slice(200)) heap.push({ dueAt });
  const taken: number[] = [];
  for (let next = heap.takeDue(700); next !== undefined; next = heap.takeDue(700))
    taken.push(next.dueAt);
  const sorted = all.toSorted((a, b) => a - b);
  deepEqual(
    taken,
    sorted.filter((dueAt) => dueAt <= 700),
    `seed ${seed}`,
  );
  equal(heap.size, all.length - taken.length);
  equal(heap.first?.dueAt, sorted[taken.length], `seed ${seed}`);
});
