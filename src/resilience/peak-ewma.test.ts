import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { penaltyMs, PeakEwma } from "./peak-ewma.ts";

const near = (value: number, expected: number): void =>
  assert.ok(Math.abs(value - expected) < 1e-6 * Math.max(1, expected), `${value}, not ${expected}`);

describe("peak EWMA", () => {
  test("follows a rise at once", () => {
    const load = new PeakEwma({}, 30, 0);
    load.observe(400, 1);
    assert.equal(load.value(1), 400);
  });

  test("follows a fall by the weight of the time that has passed", () => {
    const load = new PeakEwma({ tauMs: 10_000 }, 30, 0);
    load.observe(400, 0);
    load.observe(10, 5_000);
    const kept = Math.exp(-0.5);
    near(load.value(5_000), 10 * (1 - kept) + 400 * kept);
  });

  test("sinks while nothing is heard, but never to nothing", () => {
    const load = new PeakEwma({ tauMs: 10_000 }, 30, 0);
    load.observe(400, 0);
    near(load.value(10_000), 400 / Math.E);
    assert.ok(load.value(1e9) > 0);
  });

  // RB9
  test("a seed of zero does not make a new endpoint look free", () => {
    assert.equal(new PeakEwma({}, 0, 0).value(0), 0.05);
    assert.equal(new PeakEwma({}, 30, 0).value(0), 30);
  });

  // RB8
  test("a failure makes it look slow, however fast it failed, and never faster than it looked", () => {
    const load = new PeakEwma({}, 1, 0);
    load.penalize(undefined, 0);
    assert.equal(load.value(0), penaltyMs);
    const slow = new PeakEwma({}, 1, 0);
    slow.observe(60_000, 0);
    slow.penalize(undefined, 0);
    assert.equal(slow.value(0), 60_000);
  });

  test("the server's wish counts instead of the penalty, five minutes at most and never less", () => {
    const penalized = (hintMs: number): number => {
      const load = new PeakEwma({}, 1, 0);
      load.penalize(hintMs, 0);
      return load.value(0);
    };
    assert.deepEqual([10, 20_000, 1e9].map(penalized), [5_000, 20_000, 300_000]);
  });

  test("begins anew where it is told to", () => {
    const load = new PeakEwma({}, 30, 0);
    load.penalize(undefined, 0);
    load.restart(2, 1);
    assert.equal(load.value(1), 2);
  });

  // RA10
  test("what was given up counts only where it took longer than is known", () => {
    const load = new PeakEwma({}, 30, 0);
    load.observeElapsed(10, 0);
    assert.equal(load.value(0), 30);
    load.observeElapsed(80, 0);
    assert.equal(load.value(0), 80);
  });
});
