import assert from "node:assert/strict";
import { test } from "node:test";

import { between, seededRandom } from "../../../base/random.ts";
import { LogSizes } from "./log-sizes.ts";

test("the bytes of a log are known, nearly, wherever it is cut", () => {
  const seed = 5;
  const random = seededRandom(seed);
  const subject = new LogSizes(0, 0, 0);
  const sizes: number[] = [];
  let first = 0;
  for (let step = 0; step < 3_000; step++) {
    const bytes = random() < 0.05 ? between(random, 5_000, 500_000) : between(random, 90, 110);
    subject.add(sizes.length, bytes);
    sizes.push(bytes);
    const exact = sum(sizes, first);
    assert.ok(Math.abs(subject.bytes - exact) <= 1_500, `seed ${seed}`);
    if (random() < 0.9) continue;
    const most = Math.floor(random() * exact);
    const at = subject.leaving(most);
    assert.ok(at >= first && at <= sizes.length, `seed ${seed}`);
    const left = sum(sizes, at);
    // What is left is not more than asked for, and one more would be.
    assert.ok(left <= most + 1_500, `seed ${seed}: ${left} of ${most}`);
    assert.ok(at === first || sum(sizes, at - 1) >= most - 1_500, `seed ${seed}: ${at}`);
    if (random() < 0.5) continue;
    subject.trim(at);
    first = at;
  }
});

test("what was there before counts as if all had the same size", () => {
  const subject = new LogSizes(100, 200, 1_000);
  subject.add(200, 500);
  assert.equal(subject.bytes, 1_500);
  assert.equal(subject.leaving(700), 180);
  subject.trim(150);
  assert.equal(subject.bytes, 1_000);
  subject.trim(201);
  assert.equal(subject.bytes, 0);
});

function sum(sizes: readonly number[], from: number): number {
  return sizes.slice(from).reduce((total, bytes) => total + bytes, 0);
}
