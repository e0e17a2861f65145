// The verdict over made-up figures: what leaks is found, what is noise is not.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Figures } from "./figures.ts";
import { leaksOf, trendOf, type Sample } from "./verdict.ts";

const mebibyte = 1024 * 1024;
const calm: Figures = {
  heap: 20 * mebibyte,
  buffers: 4 * mebibyte,
  rss: 150 * mebibyte,
  descriptors: 24,
  handles: 3,
  alarms: 0,
};

/** Ten minutes, a sample each five seconds; `heap` in MiB from the seconds. */
function tenMinutes(heap: (seconds: number) => number): Sample[] {
  return Array.from({ length: 120 }, (_, index) => {
    const seconds = index * 5;
    return { seconds, figures: { ...calm, heap: heap(seconds) * mebibyte } };
  });
}

test("a heap that grows by a quarter of a MiB a minute leaks", () => {
  const [only, ...others] = leaksOf({ name: "client", samples: tenMinutes((s) => 20 + s / 240) });
  match(only!, /^client: heap has grown from 20\.\d MiB to 22\.\d MiB$/);
  deepEqual(others, []);
});

test("a heap that grows while it warms up does not leak", () => {
  const warming = (seconds: number): number => 20 + Math.min(seconds, 120) / 20;
  deepEqual(leaksOf({ name: "client", samples: tenMinutes(warming) }), []);
});

test("a heap that goes up and down does not leak", () => {
  const waves = (seconds: number): number => 20 + 3 * Math.sin(seconds / 7);
  deepEqual(leaksOf({ name: "client", samples: tenMinutes(waves) }), []);
});

test("one sample that is far off changes neither medians nor slope", () => {
  const spike = (seconds: number): number => (seconds === 595 ? 900 : 20);
  const trend = trendOf(tenMinutes(spike), ({ heap }) => heap);
  deepEqual(trend, { first: 20 * mebibyte, last: 20 * mebibyte, slopePerMinute: 0 });
});

test("the slope is told in bytes a minute", () => {
  const { slopePerMinute } = trendOf(
    tenMinutes((s) => 20 + s / 60),
    ({ heap }) => heap,
  );
  equal(slopePerMinute, mebibyte);
});

test("buffers outside of the heap are watched too", () => {
  const samples = tenMinutes(() => 20).map(({ seconds, figures }) => ({
    seconds,
    figures: { ...figures, buffers: figures.buffers + seconds * 10_000 },
  }));
  match(leaksOf({ name: "server", samples })[0]!, /buffers has grown/);
});

test("a descriptor, a handle or an alarm that is left is found, also after a short run", () => {
  for (const what of ["descriptors", "handles", "alarms"] as const) {
    const last = { ...calm, [what]: calm[what] + 1 };
    const found = leaksOf({ name: "server", samples: [], closed: { first: calm, last } });
    equal(found.length, 1);
    ok(found[0]!.includes(`${calm[what]} ${what} before the load, ${calm[what] + 1} after it`));
  }
});

test("nothing is said of the heap after a short run", () => {
  const short = tenMinutes((seconds) => 20 + seconds).slice(0, 12);
  deepEqual(leaksOf({ name: "client", samples: short, closed: { first: calm, last: calm } }), []);
});
