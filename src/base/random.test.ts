import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "./backoff.ts";
import { hex, uuidv7 } from "./id.ts";
import { between, seededRandom, uint32 } from "./random.ts";
import { VirtualEnv } from "./virtual-env.ts";

function draws(seed: number, purpose: string, count: number): number[] {
  const random = seededRandom(seed, purpose);
  return Array.from({ length: count }, random);
}

test("the same seed and purpose give the same numbers, in this and every later version", () => {
  assert.deepEqual(draws(1, "", 100), draws(1, "", 100));
  // Whoever finds these changed has made every recorded seed worthless.
  const random = seededRandom(42, "golden");
  assert.deepEqual(
    Array.from({ length: 4 }, () => hex(uint32(random), 8)),
    ["95f146ac", "87764d1f", "0e6e6df4", "b2d6ba2d"],
  );
});

test("another seed or another purpose gives other numbers, large seeds too", () => {
  const streams = [
    draws(1, "", 8),
    draws(2, "", 8),
    draws(1, "a", 8),
    draws(1, "b", 8),
    draws(2 ** 32 + 1, "", 8),
    draws(2 ** 40, "", 8),
    draws(0, "", 8),
    draws(-1, "", 8),
  ].map((stream) => stream.join(" "));
  assert.equal(new Set(streams).size, streams.length);
});

test("the numbers lie in [0, 1) and fill it evenly", () => {
  const counts = Array.from({ length: 16 }, () => 0);
  const random = seededRandom(7);
  for (let i = 0; i < 64_000; i++) {
    const value = random();
    assert.ok(value >= 0 && value < 1);
    counts[Math.floor(value * 16)]!++;
  }
  for (const count of counts) assert.ok(Math.abs(count - 4_000) < 400, `${count} of 4,000`);
});

test("between gives both of its ends and nothing outside", () => {
  const random = seededRandom(3);
  const seen = new Set(Array.from({ length: 1_000 }, () => between(random, -2, 2)));
  assert.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    [-2, -1, 0, 1, 2],
  );
  assert.equal(
    between(() => 0.999_999_999, 5, 5),
    5,
  );
});

test("a uint32 has 32 bits", () => {
  assert.equal(
    uint32(() => 0),
    0,
  );
  assert.equal(
    uint32(() => 1 - 2 ** -53),
    0xffff_ffff,
  );
});

test("waits double from the base up to the cap, half of each by chance", () => {
  const options = { baseMs: 50, capMs: 1_000 };
  const least = [0, 1, 2, 3, 4, 5, 6].map((failures) => backoff(failures, options, () => 0));
  assert.deepEqual(least, [25, 50, 100, 200, 400, 500, 500]);
  const most = [0, 1, 2, 3, 4, 5, 6].map((failures) => backoff(failures, options, () => 1));
  assert.deepEqual(most, [50, 100, 200, 400, 800, 1_000, 1_000]);
  assert.equal(
    backoff(10_000, options, () => 1),
    1_000,
  );
});

test("an id is a UUID of version 7: time first, then chance", () => {
  const env = new VirtualEnv(5);
  const ids = Array.from({ length: 1_000 }, () => uuidv7(env));
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(Number.parseInt(id.replace("-", "").slice(0, 12), 16), env.wall());
  }
  assert.equal(new Set(ids).size, ids.length);
});

test("ids of later milliseconds sort later", () => {
  const env = new VirtualEnv(6);
  const ids = Array.from({ length: 100 }, () => {
    env.stall(1);
    return uuidv7(env);
  });
  assert.deepEqual(ids.toSorted(), ids);
});
