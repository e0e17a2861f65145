import assert from "node:assert/strict";
import { test } from "node:test";
import { milliseconds, type Duration } from "./duration.ts";
import { Deadline } from "./deadline.ts";

test("a duration is a number of milliseconds, or a number with its unit", () => {
  const rows: [Duration, number][] = [
    [0, 0],
    [1.5, 1.5],
    [Infinity, Infinity],
    ["0ms", 0],
    ["200ms", 200],
    ["1.5s", 1_500],
    ["5s", 5_000],
    ["2m", 120_000],
    ["1h", 3_600_000],
  ];
  for (const [duration, ms] of rows) assert.equal(milliseconds(duration), ms);
});

test("what is no duration is refused before anything happens, with words about how to write it", () => {
  const wrong = [
    -1,
    NaN,
    "",
    "5",
    "s",
    "-5s",
    "5 s",
    "5S",
    "1e3ms",
    "5sec",
    "1h30m",
    ".5s",
    null,
    undefined,
    {},
  ];
  for (const value of wrong) {
    assert.throws(
      () => milliseconds(value as Duration),
      (error: Error & Record<string, unknown>) => {
        assert.equal(error["code"], "INVALID_ARGUMENT");
        assert.equal(error["executed"], "no");
        assert.match(error.message, /is not a duration\.\n {2}executed: no · write milliseconds/);
        return true;
      },
      JSON.stringify(value),
    );
  }
});

test("a deadline is an instant: what is left of it shrinks and is never negative", () => {
  const deadline = Deadline.after("2s", 1_000);
  assert.equal(deadline.at, 3_000);
  assert.deepEqual(
    [1_000, 2_500, 3_000, 9_000].map((now) => deadline.remaining(now)),
    [2_000, 500, 0, 0],
  );
  assert.equal(Deadline.never.remaining(1e9), Infinity);
  assert.throws(() => Deadline.after(-1, 0), { code: "INVALID_ARGUMENT" });
});

test("without a clock a deadline counts from this instant", () => {
  const before = performance.now();
  const { at } = Deadline.after(100);
  assert.ok(at >= before + 100 && at <= performance.now() + 100);
});
