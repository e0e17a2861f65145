import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { RetryBudget } from "./retry-budget.ts";

describe("retry budget", () => {
  // Finagle's RetryBudgetTest: frozen time, 10,000 times a deposit and an attempt to withdraw.
  for (const ratio of [0.1, 0.25, 0.5, 0.75, 0.99, 0.999, 0.9999, 0.01, 0.001, 0.0001])
    test(`pays for ${ratio} retries a request, and for the free ones`, () => {
      const minPerSec = 10;
      const budget = new RetryBudget({ ratio, minPerSec }, 0);
      let retries = 0;
      for (let i = 0; i < 10_000; i++) {
        budget.deposit(0);
        if (budget.tryWithdraw(0)) retries++;
      }
      const expected = Math.min(10_000, 10_000 * ratio + 10 * minPerSec);
      assert.ok(Math.abs(retries - expected) <= 1, `${retries}`);
    });

  test("a ratio above 1 pays for more than one retry each", () => {
    const budget = new RetryBudget({ ratio: 2, minPerSec: 0 }, 0);
    for (let i = 0; i < 10_000; i++) budget.deposit(0);
    assert.equal(budget.balance(0), 20_000);
  });

  test("a hundred retries are free at first, and come back after their time", () => {
    const budget = new RetryBudget({}, 0);
    assert.equal(budget.balance(0), 100);
    for (let i = 0; i < 100; i++) assert.ok(budget.tryWithdraw(0));
    assert.equal(budget.tryWithdraw(0), false);
    assert.equal(budget.tryWithdraw(8_999), false);
    assert.equal(budget.balance(10_000), 100);
  });

  test("what was deposited counts no more after its time", () => {
    const budget = new RetryBudget({ minPerSec: 0 }, 0);
    for (let i = 0; i < 50; i++) budget.deposit(0);
    assert.equal(budget.balance(9_999), 10);
    assert.equal(budget.balance(10_000), 0);
  });

  test("with a ratio of zero only the free ones are left", () => {
    const budget = new RetryBudget({ ratio: 0, minPerSec: 1, ttlMs: 1_000 }, 0);
    for (let i = 0; i < 100; i++) budget.deposit(0);
    assert.equal(budget.tryWithdraw(0), true);
    assert.equal(budget.tryWithdraw(0), false);
  });

  test("refuses a time to live outside of 1 to 60 seconds", () => {
    assert.throws(() => new RetryBudget({ ttlMs: 999 }, 0), /ttlMs is 999[^]*from 1000 to 60000/);
    assert.throws(() => new RetryBudget({ ttlMs: 60_001 }, 0), /ttlMs is 60001/);
    assert.throws(() => new RetryBudget({ ratio: -1 }, 0), /ratio is -1/);
  });

  test("over any time: retries <= ratio * requests + free ones, whatever the order", () => {
    const step = fc.record({ afterMs: fc.nat(3_000), deposits: fc.nat(20), retries: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const ttlMs = 10_000;
        const budget = new RetryBudget({ ratio: 0.2, minPerSec: 2, ttlMs }, 0);
        const deposits: number[] = [];
        const retries: number[] = [];
        let now = 0;
        for (const { afterMs, deposits: many, retries: wanted } of steps) {
          now += afterMs;
          for (let i = 0; i < many; i++) {
            budget.deposit(now);
            deposits.push(now);
          }
          for (let i = 0; i < wanted; i++) if (budget.tryWithdraw(now)) retries.push(now);
          if (retries.at(-1) !== now) continue;
          // The oldest tenth leaves as a whole: nine tenths of the window are certain.
          const since = now - ttlMs * 0.9;
          const recent = retries.filter((at) => at > since).length;
          const paid = deposits.filter((at) => at > now - ttlMs).length;
          assert.ok(recent <= 0.2 * paid + 2 * 10 + 1, `${recent} retries at ${now}`);
        }
      }),
    );
  });
});
