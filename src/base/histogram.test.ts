import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Histogram } from "./histogram.ts";

function exact(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(quantile * sorted.length)) - 1]!;
}

function filled(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

const durations = fc.array(
  fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 10_000, noNaN: true }),
    fc.double({ min: 0, max: 4_000_000, noNaN: true }),
  ),
  { minLength: 1, maxLength: 200 },
);

test("every quantile is right within an eighth of its value, or a microsecond", () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, quantile) => {
      const truth = exact(values, quantile);
      const told = filled(values).quantileMs(quantile);
      ok(Math.abs(told - truth) <= truth / 8 + 0.001, `${told} instead of ${truth}`);
    }),
  );
});

test("count, mean and maximum are exact", () => {
  fc.assert(
    fc.property(durations, (values) => {
      const histogram = filled(values);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      equal(histogram.count, values.length);
      equal(histogram.maxMs, Math.max(...values));
      ok(Math.abs(histogram.summary().meanMs - mean) <= mean * 1e-9);
    }),
  );
});

test("two histograms added tell what one of all would tell", () => {
  fc.assert(
    fc.property(durations, durations, (some, others) => {
      const sum = filled(some);
      sum.add(filled(others));
      const all = filled([...some, ...others]);
      for (const quantile of [0, 0.5, 0.99, 1])
        equal(sum.quantileMs(quantile), all.quantileMs(quantile));
      equal(sum.count, all.count);
    }),
  );
});

test("quantiles never decrease", () => {
  fc.assert(
    fc.property(durations, (values) => {
      const { p50Ms, p90Ms, p99Ms, maxMs } = filled(values).summary();
      deepEqual(
        [p50Ms, p90Ms, p99Ms, maxMs],
        [p50Ms, p90Ms, p99Ms, maxMs].toSorted((a, b) => a - b),
      );
    }),
  );
});

test("a histogram of nothing says zero", () => {
  deepEqual(new Histogram().summary(), { meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 });
});

test("a duration past the last bucket keeps its maximum", () => {
  const histogram = filled([1, 86_400_000]);
  equal(histogram.quantileMs(1), 86_400_000);
  equal(histogram.quantileMs(0.5) < 2, true);
});
