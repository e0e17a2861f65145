import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { AimdLimit } from "./aimd-limit.ts";
import { Bulkhead } from "./bulkhead.ts";
import { LatencyWindow } from "./latency-window.ts";

describe("bulkhead", () => {
  test("lets so many in, over all lanes, and refuses the next at once", () => {
    const bulkhead = new Bulkhead({ max: 3 });
    assert.deepEqual(
      ["a", "b", "a", "c"].map((lane) => bulkhead.tryAcquire(lane)),
      [true, true, true, false],
    );
    bulkhead.release("a");
    assert.equal(bulkhead.tryAcquire("c"), true);
  });

  test("a lane that is full takes nothing from the others", () => {
    const bulkhead = new Bulkhead({ max: 10, laneMax: 5, lanes: { batch: 2 } });
    const enter = (lane: string): boolean => bulkhead.tryAcquire(lane);
    assert.deepEqual(["batch", "batch", "batch"].map(enter), [true, true, false]);
    assert.deepEqual(["live", "live", "live", "live", "live", "live"].map(enter).at(-1), false);
    assert.equal(enter("other"), true);
  });

  test("whatever comes and goes, it counts what is inside", () => {
    const lanes = fc.constantFrom("a", "b", "c");
    const step = fc.tuple(fc.boolean(), lanes);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const bulkhead = new Bulkhead({ max: 6, laneMax: 4, lanes: { c: 1 } });
        const bounds: Record<string, number> = { a: 4, b: 4, c: 1 };
        const inside: Record<string, number> = { a: 0, b: 0, c: 0 };
        const all = (): number => Object.values(inside).reduce((sum, many) => sum + many, 0);
        for (const [enters, lane] of steps) {
          if (enters) {
            const room = all() < 6 && inside[lane]! < bounds[lane]!;
            assert.equal(bulkhead.tryAcquire(lane), room);
            if (room) inside[lane]!++;
          } else {
            bulkhead.release(lane);
            inside[lane] = Math.max(0, inside[lane]! - 1);
          }
          assert.equal(bulkhead.inFlight, all());
        }
      }),
    );
  });
});

describe("AIMD limit", () => {
  test("grows by one with each answer while half of it is used, up to its bound", () => {
    const limit = new AimdLimit({ initial: 4, max: 6 });
    const used = (many: number): void => {
      for (let i = 0; i < many; i++) assert.ok(limit.tryAcquire());
      for (let i = 0; i < many; i++) limit.release("ok", 10, 10);
    };
    used(1);
    assert.equal(limit.limit, 4, "one of four says nothing");
    used(2);
    assert.equal(limit.limit, 5);
    used(5);
    assert.equal(limit.limit, 6);
  });

  test("shrinks by a tenth for a drop, down to one", () => {
    const limit = new AimdLimit({});
    for (let now = 1; now < 200; now++) {
      assert.ok(limit.tryAcquire());
      limit.release("unknown", 0, now);
      if (now === 1) assert.equal(limit.limit, 18);
    }
    assert.equal(limit.limit, 1);
  });

  test("all that was sent before it shrank shrinks it once", () => {
    const limit = new AimdLimit({});
    for (let i = 0; i < 20; i++) limit.tryAcquire();
    for (let i = 0; i < 20; i++) limit.release("unknown", 100, 100);
    assert.equal(limit.limit, 18);
  });

  test("an answer that took too long is a drop, and what says nothing changes nothing", () => {
    const limit = new AimdLimit({ slowMs: 100 });
    limit.tryAcquire();
    limit.release("ok", 101, 101);
    assert.equal(limit.limit, 18);
    for (const outcome of ["cancelled", "local", "unreachable"] as const) {
      limit.tryAcquire();
      limit.release(outcome, 1, 300);
    }
    assert.equal(limit.limit, 18);
    assert.equal(limit.inFlight, 0);
  });

  test("never more than the limit is under way", () => {
    const step = fc.constantFrom("enter", "ok", "unknown", "overload", "cancelled");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const limit = new AimdLimit({ min: 2, initial: 5, max: 9 });
        let inside = 0;
        for (const [now, each] of steps.entries()) {
          if (each === "enter") {
            const room = inside < limit.limit;
            assert.equal(limit.tryAcquire(), room);
            if (room) inside++;
          } else if (inside > 0) {
            limit.release(each, 1, now);
            inside--;
          }
          assert.equal(limit.inFlight, inside);
          assert.ok(limit.limit >= 2 && limit.limit <= 9);
        }
      }),
    );
  });
});

describe("latency window", () => {
  test("knows no percentile before enough were seen", () => {
    const window = new LatencyWindow({ samplesMin: 10, refreshMs: 0 }, 0);
    for (let i = 0; i < 9; i++) window.record(5, 0);
    assert.ok(Number.isNaN(window.quantileMs(0.5, 0)));
    window.record(5, 0);
    assert.ok(Math.abs(window.quantileMs(0.5, 1) - 5) <= 5 / 8);
  });

  test("answers from what it saw at the last refresh", () => {
    const window = new LatencyWindow({ samplesMin: 1, refreshMs: 3_000 }, 0);
    window.record(1, 0);
    const before = window.quantileMs(0.95, 0);
    for (let i = 0; i < 1_000; i++) window.record(100, 1);
    assert.equal(window.quantileMs(0.95, 2_999), before);
    assert.ok(window.quantileMs(0.95, 3_000) > 80);
    assert.ok(window.quantileMs(0.0001, 3_000) < 2, "another percentile of the same refresh");
  });

  test("forgets what is older than its window", () => {
    const window = new LatencyWindow({ windowMs: 10_000, samplesMin: 1, refreshMs: 0 }, 0);
    window.record(500, 0);
    window.record(1, 5_000);
    assert.ok(window.quantileMs(1, 9_999) > 400);
    window.record(1, 10_000);
    assert.ok(window.quantileMs(1, 10_000) < 2);
    assert.ok(Number.isNaN(window.quantileMs(1, 30_000)), "and all of it, when nothing follows");
  });
});
