import assert from "node:assert/strict";
import { test } from "node:test";
import type { Caller } from "../protocol/protocol.ts";
import { PeakEwma } from "../resilience/peak-ewma.ts";
import { Target } from "./target.ts";

/** An endpoint that has answered within 20 ms so far. */
function target(): Target {
  const caller = { state: "ready", endpoint: "memory:x", waiting: 0 } as Caller;
  const load = new PeakEwma({}, 20, 0);
  return new Target("x", caller, 0, undefined, { load, breaker: undefined, limit: undefined });
}

function begin(one: Target, now: number): number {
  const permit = one.begin(now, false);
  assert.ok(typeof permit === "number");
  return permit;
}

test("an endpoint that has stopped to answer weighs what it has been silent for, long before anything fails", () => {
  const frozen = target();
  begin(frozen, 0);
  assert.ok(frozen.load(10) < 41);
  assert.equal(frozen.load(500), 1_000); // 500 ms for it, and as long for whoever comes next
  frozen.end(begin(frozen, 600), "unknown", 100, 700); // nobody answered: that is no sign of life
  assert.ok(frozen.load(1_000) >= 2_000);
});

test("whatever it says ends the silence, and who has nothing to do is not silent", () => {
  for (const said of ["ok", "appError", "overload", "failed"] as const) {
    const busy = target();
    begin(busy, 0);
    const before = begin(busy, 0);
    busy.end(before, said, 20, 900);
    const known = busy.parts.load.value(910);
    assert.equal(busy.load(910), known * 2, said);
  }
  const idle = target();
  idle.end(begin(idle, 0), "ok", 20, 20);
  assert.ok(idle.load(60_000) <= 20);
  begin(idle, 60_000);
  assert.ok(idle.load(60_001) < 41);
});
