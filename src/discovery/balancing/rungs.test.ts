import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  asking,
  endpoint,
  endpoints,
  picks,
  type EndpointDouble,
} from "./testing/endpoint-double.ts";
import { rungLoads, rungs } from "./rungs.ts";
import { slowStart } from "./slow-start.ts";
import { uniformRandom } from "./in-turn.ts";

const percent = (available: number) => ({ available, total: 100 });

/** Two rungs of ten, so many of each up. */
function ladder(nearUp: number, farUp: number): EndpointDouble[] {
  return [0, 1].flatMap((rung) =>
    Array.from({ length: 10 }, (_, i) =>
      endpoint(`${rung}/${i}`, { rung, up: i < (rung === 0 ? nearUp : farUp) }),
    ),
  );
}

function nearShare(counts: Record<string, number>): number {
  const near = Object.entries(counts).filter(([id]) => id.startsWith("0/"));
  return near.reduce((sum, [, many]) => sum + many, 0);
}

describe("rungs", () => {
  // Envoy, docs/root/intro/arch_overview/upstream/load_balancing/priority.rst
  for (const [available, shares] of [
    [
      [100, 100],
      [100, 0],
    ],
    [
      [72, 100],
      [100, 0],
    ],
    [
      [71, 100],
      [99, 1],
    ],
    [
      [50, 100],
      [70, 30],
    ],
    [
      [25, 100],
      [35, 65],
    ],
    [
      [0, 100],
      [0, 100],
    ],
    [
      [72, 72],
      [100, 0],
    ],
    [
      [71, 71],
      [99, 1],
    ],
    [
      [50, 50],
      [70, 30],
    ],
    [
      [25, 25],
      [50, 50],
    ],
    [
      [25, 25, 100],
      [35, 35, 30],
    ],
    [
      [25, 25, 20],
      [36, 36, 29],
    ],
  ] as const)
    test(`${available.join(", ")} per cent available share ${shares.join(", ")}`, () => {
      const loads = rungLoads(available.map(percent));
      const rounded = loads.map(({ share }) => Math.round(share * 100));
      assert.deepEqual(rounded, [...shares]);
      assert.ok(Math.abs(loads.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
    });

  // Envoy, panic_threshold.rst
  for (const [available, panics] of [
    [
      [25, 25],
      [true, true],
    ],
    [
      [5, 65],
      [true, false],
    ],
    [
      [50, 60],
      [false, false],
    ],
    [
      [20, 100],
      [false, false],
    ],
  ] as const)
    test(`${available.join(", ")} per cent available: panic ${panics.join(", ")}`, () => {
      assert.deepEqual(
        rungLoads(available.map(percent)).map(({ panic }) => panic),
        [...panics],
      );
    });

  test("where nothing is available all endpoints share alike", () => {
    const loads = rungLoads([
      { available: 0, total: 1 },
      { available: 0, total: 3 },
    ]);
    assert.deepEqual(loads, [
      { share: 0.25, panic: true },
      { share: 0.75, panic: true },
    ]);
  });

  test("all requests stay near while enough of it is available", () => {
    const balancer = rungs<EndpointDouble>();
    balancer.update(ladder(8, 10), 0);
    assert.equal(nearShare(picks(balancer, 1_000, asking(1))), 1_000);
  });

  test("they move away by degrees", () => {
    const balancer = rungs<EndpointDouble>();
    balancer.update(ladder(5, 10), 0);
    const near = nearShare(picks(balancer, 10_000, asking(1)));
    assert.ok(near > 6_800 && near < 7_200, `${near} of 10,000, for 70 per cent`);
  });

  test("whoever has tried all the nearer ones goes farther", () => {
    const candidates = ladder(10, 10);
    const balancer = rungs<EndpointDouble>();
    balancer.update(candidates, 0);
    const tried = candidates.filter(({ rung }) => rung === 0);
    assert.equal(balancer.pick(asking(1, { tried }))!.rung, 1);
  });

  test("when the near ones go down between two counts, requests go farther at once", () => {
    const candidates = ladder(10, 10);
    const balancer = rungs<EndpointDouble>();
    balancer.update(candidates, 0);
    balancer.pick(asking(1));
    for (const each of candidates) each.up = each.rung === 1;
    assert.equal(balancer.pick(asking(1))!.rung, 1);
  });

  test("in a panic requests go to all, and to the available ones again when it is over", () => {
    const candidates = endpoints(10, { up: false });
    for (const each of candidates.slice(0, 3)) each.up = true;
    const balancer = rungs<EndpointDouble>(uniformRandom);
    balancer.update(candidates, 0);
    assert.equal(Object.keys(picks(balancer, 1_000, asking(1))).length, 10);
    for (const each of candidates.slice(0, 6)) each.up = true;
    assert.equal(Object.keys(picks(balancer, 1_000, asking(1, { now: 100 }))).length, 6);
  });

  test("one of two that is down is no reason for a panic", () => {
    const candidates = endpoints(2);
    candidates[0]!.up = false;
    const balancer = rungs<EndpointDouble>();
    balancer.update(candidates, 0);
    assert.deepEqual(picks(balancer, 100, asking(1)), { e1: 100 });
  });
});

describe("slow start", () => {
  test("gives a tenth at first and more with age, by Envoy's formula", () => {
    const evenly = slowStart();
    assert.deepEqual([0, 500, 5_000, 9_999, 10_000].map(evenly), [0.1, 0.1, 0.5, 0.9999, 1]);
    const sooner = slowStart({ aggression: 2 });
    assert.ok(Math.abs(sooner(5_000) - Math.SQRT1_2) < 1e-12);
    assert.equal(slowStart({ windowMs: 0 })(0), 1);
  });
});
