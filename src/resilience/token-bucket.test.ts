import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { KeyedBuckets, TokenBucket } from "./token-bucket.ts";

describe("token bucket", () => {
  test("lets a burst through, then as many as come back", () => {
    const bucket = new TokenBucket({ perSec: 10, burst: 3 }, 0);
    assert.deepEqual(
      [0, 0, 0, 0, 99, 100, 100].map((now) => bucket.tryTake(now)),
      [true, true, true, false, false, true, false],
    );
    assert.equal(bucket.retryAfterMs(150), 50);
    assert.equal(bucket.retryAfterMs(150, 4), Infinity);
  });

  test("holds no more than its burst, however long nobody asks", () => {
    const bucket = new TokenBucket({ perSec: 1_000, burst: 5 }, 0);
    assert.equal(bucket.tryTake(1e9, 6), false);
    assert.equal(bucket.tryTake(1e9, 5), true);
  });

  test("a clock that stands still or goes back brings nothing", () => {
    const bucket = new TokenBucket({ perSec: 1_000, burst: 1 }, 100);
    assert.equal(bucket.tryTake(100), true);
    assert.equal(bucket.tryTake(0), false);
    assert.equal(bucket.tryTake(100), false);
  });

  test("over any time never more than the burst and the rate together", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ afterMs: fc.nat(500), tokens: fc.integer({ min: 1, max: 4 }) })),
        (asks) => {
          const bucket = new TokenBucket({ perSec: 20, burst: 8 }, 0);
          let now = 0;
          let taken = 0;
          for (const { afterMs, tokens } of asks) {
            now += afterMs;
            if (bucket.tryTake(now, tokens)) taken += tokens;
            assert.ok(taken <= 8 + (now * 20) / 1_000 + 1e-6);
          }
        },
      ),
    );
  });
});

describe("buckets by key", () => {
  test("each key has its own", () => {
    const buckets = new KeyedBuckets({ perSec: 1, burst: 1 });
    assert.deepEqual(
      ["a", "a", "b", "b"].map((key) => buckets.take(key, 0)),
      [0, 1_000, 0, 1_000],
    );
    assert.equal(buckets.take("a", 1_000), 0);
  });

  test("more keys than places get no fresh burst each", () => {
    const buckets = new KeyedBuckets({ perSec: 1, burst: 10, keysMax: 4 });
    let through = 0;
    for (let i = 0; i < 10_000; i++) if (buckets.take(`k${i}`, 0) === 0) through++;
    assert.equal(buckets.size, 4);
    assert.equal(through, 40);
  });

  test("a key that is in use keeps its place", () => {
    const buckets = new KeyedBuckets({ perSec: 1, burst: 2, keysMax: 2 });
    buckets.take("mine", 0);
    for (let i = 0; i < 10; i++) {
      buckets.take(`other${i}`, 0);
      buckets.take("mine", 0);
    }
    assert.equal(buckets.take("mine", 0), 1_000);
  });

  test("refuses a rate that is none", () => {
    assert.throws(() => new KeyedBuckets({ perSec: 0 }), /perSec is 0/);
  });
});
