import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Ejection, type EjectionOptions, type Suspect } from "./ejection.ts";

/** So many endpoints, each asked 100 times in an interval; those that are told fail nine of ten. */
class Round {
  readonly ejection: Ejection;
  readonly suspects: Suspect[];
  #now = 0;

  constructor(many: number, options: EjectionOptions = {}) {
    this.ejection = new Ejection(options, 0);
    this.suspects = Array.from({ length: many }, () => this.ejection.join());
  }

  interval(failing: readonly number[], requests: number = 100): void {
    for (const [index, suspect] of this.suspects.entries())
      for (let i = 0; i < requests; i++)
        suspect.record(failing.includes(index) && i % 10 !== 0 ? "failed" : "ok");
    this.#now += 10_000;
    this.ejection.sweep(this.#now);
  }

  get out(): number[] {
    return this.suspects.flatMap(({ ejected }, index) => (ejected ? [index] : []));
  }
}

describe("ejection", () => {
  test("takes out who succeeds clearly less often than the others", () => {
    const round = new Round(10);
    round.interval([3]);
    assert.deepEqual(round.out, [3]);
  });

  test("nobody, where all fail alike", () => {
    const round = new Round(10);
    round.interval([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(round.out, []);
  });

  test("nobody, where too few were asked or too little", () => {
    const few = new Round(4);
    few.interval([0]);
    assert.deepEqual(few.out, []);
    const little = new Round(10);
    little.interval([0], 99);
    assert.deepEqual(little.out, []);
  });

  test("never more than a tenth together, one of few", () => {
    const round = new Round(20, { deviations: 1 });
    round.interval([1, 2, 3, 4]);
    assert.equal(round.out.length, 2);
    const five = new Round(5, { deviations: 0.5 });
    five.interval([0, 1]);
    assert.equal(five.out.length, 1);
  });

  // A50 step by step
  test("it stays out for 30 s times the number of its ejections, and healthy intervals take one off", () => {
    const round = new Round(10);
    round.interval([3]);
    for (let i = 0; i < 2; i++) {
      round.interval([]);
      assert.deepEqual(round.out, [3]);
    }
    round.interval([]); // 30 s after
    assert.deepEqual(round.out, []);
    round.interval([3]);
    for (let i = 0; i < 5; i++) {
      round.interval([]);
      assert.deepEqual(round.out, [3], `second time, interval ${i}`);
    }
    round.interval([]); // 60 s after
    assert.deepEqual(round.out, []);
    round.interval([]);
    round.interval([]); // two healthy intervals: forgiven
    round.interval([3]);
    for (let i = 0; i < 3; i++) round.interval([]);
    assert.deepEqual(round.out, [], "30 s again");
  });

  test("it is never out for longer than the longest", () => {
    const round = new Round(10, { ejectedMsMax: 30_000 });
    for (let i = 0; i < 3; i++) {
      round.interval([3]);
      assert.deepEqual(round.out, [3]);
      for (let j = 0; j < 3; j++) round.interval([]);
      assert.deepEqual(round.out, []);
    }
  });

  // RA9, RA10
  test("what the endpoint did not cause counts neither for it nor against it", () => {
    const round = new Round(10);
    for (let i = 0; i < 1_000; i++) round.suspects[0]!.record(i % 2 === 0 ? "cancelled" : "local");
    round.interval([]);
    assert.deepEqual(round.out, []);
  });

  test("who leaves takes its place along", () => {
    const round = new Round(10);
    round.interval([3]);
    round.ejection.leave(round.suspects[3]!);
    assert.equal(round.ejection.ejected, 0);
    round.interval([4]);
    assert.equal(round.suspects[4]!.ejected, true);
  });

  // RB10
  test("the bounds hold whatever happens, and never is the last one out", () => {
    const failing = fc.array(fc.array(fc.nat(30), { maxLength: 12 }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), failing, (many, intervals) => {
        const round = new Round(many, { endpointsMin: 2, deviations: 0.1, requestsMin: 10 });
        for (const each of intervals) {
          round.interval(each, 10);
          assert.ok(round.out.length <= Math.max(0.1 * many, many >= 3 ? 1 : 0));
          assert.ok(round.out.length < many);
        }
      }),
    );
  });
});
