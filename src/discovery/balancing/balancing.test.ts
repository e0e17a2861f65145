import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { Balancer } from "./balancer.ts";
import {
  asking,
  endpoint,
  endpoints,
  picks,
  type EndpointDouble,
} from "./testing/endpoint-double.ts";
import { roundRobin, uniformRandom, weighted } from "./in-turn.ts";
import { randomSubset } from "./random-subset.ts";
import { rendezvous } from "./rendezvous.ts";
import { ringHash } from "./ring-hash.ts";
import { rungs } from "./rungs.ts";
import { leastRequest, p2c } from "./two-choices.ts";

type Make = () => Balancer<EndpointDouble>;

const all: Readonly<Record<string, Make>> = {
  p2c,
  leastRequest,
  roundRobin,
  uniformRandom,
  weighted,
  ringHash,
  rendezvous,
  rungs,
  randomSubset: () => randomSubset({ seed: "me", size: 2, above: 4 }, p2c()),
};

function filled(make: Make, candidates: readonly EndpointDouble[]): Balancer<EndpointDouble> {
  const balancer = make();
  balancer.update(candidates, 0);
  return balancer;
}

for (const [name, make] of Object.entries(all))
  describe(`balancer ${name}`, () => {
    test("finds nobody among nobody, before and after there was somebody", () => {
      const balancer = make();
      assert.equal(balancer.pick(asking(1)), undefined);
      balancer.update(endpoints(3), 0);
      balancer.update([], 0);
      assert.equal(balancer.pick(asking(1)), undefined);
    });

    test("gives the only one, available or not, but not where it was tried", () => {
      const only = endpoint("only", { up: false });
      const balancer = filled(make, [only]);
      assert.equal(balancer.pick(asking(1)), only);
      assert.equal(balancer.pick(asking(1, { tried: [only] })), undefined);
    });

    test("never one that was tried, one that is available as long as there is any, and any before none", () => {
      const state = fc.record({ up: fc.boolean(), tried: fc.boolean(), rung: fc.nat(2) });
      const states = fc.array(state, { minLength: 1, maxLength: 12 });
      fc.assert(
        fc.property(states, fc.integer(), fc.string(), (each, seed, hashKey) => {
          const candidates = each.map(({ up, rung }, i) => endpoint(`e${i}`, { up, rung }));
          const tried = candidates.filter((_, i) => each[i]!.tried);
          const untried = candidates.filter((candidate) => !tried.includes(candidate));
          const chosen = filled(make, candidates).pick(asking(seed, { tried, hashKey }));
          if (untried.length === 0) assert.equal(chosen, undefined);
          else assert.ok(untried.includes(chosen!), "an untried one");
          // With rungs a panic may send requests to those that are not available: that is tested there.
          if (name !== "rungs" && untried.some(({ up }) => up)) assert.ok(chosen!.up, "available");
        }),
      );
    });

    test("follows each update", () => {
      const balancer = make();
      const ask = asking(3);
      for (const many of [3, 1, 8, 2]) {
        const candidates = endpoints(many);
        balancer.update(candidates, 0);
        for (let i = 0; i < 50; i++) assert.ok(candidates.includes(balancer.pick(ask)!));
      }
    });
  });

for (const name of ["p2c", "leastRequest"])
  test(`${name} compares those that are available, however many are not: one that holds much is not chosen for lack of a rival`, () => {
    for (const many of [3, 4, 8]) {
      const candidates = endpoints(many, { up: false });
      const [busy, free] = [candidates[0]!, candidates[many - 1]!];
      Object.assign(busy, { up: true, inFlight: 100 });
      Object.assign(free, { up: true });
      const counts = picks(filled(all[name]!, candidates), 2_000, asking(17));
      assert.deepEqual(counts, { [free.id]: 2_000 });
    }
  });

for (const name of ["p2c", "leastRequest", "roundRobin", "uniformRandom", "weighted", "rungs"])
  test(`${name} gives alike endpoints alike shares`, () => {
    const counts = picks(filled(all[name]!, endpoints(10)), 10_000, asking(11));
    // Ten counts of 1,000 each: chi-square of nine degrees of freedom is below 27.9 but once in 1,000 times.
    const square = Object.values(counts).reduce(
      (sum, many) => sum + (many - 1_000) ** 2 / 1_000,
      0,
    );
    assert.equal(Object.keys(counts).length, 10);
    assert.ok(square < 27.9, `chi-square ${square}`);
  });

describe("two choices", () => {
  test("p2c sends a tenth of the fair share, at most, where a request takes ten times as long", () => {
    const candidates = endpoints(10);
    candidates[0]!.loadMs = 100;
    const counts = picks(filled(p2c, candidates), 10_000, asking(5));
    assert.equal(counts["e0"], undefined, "of two it is always the worse one");
  });

  test("p2c gives twice the weight more than those beside it", () => {
    const candidates = endpoints(4);
    candidates[0]!.weight = 2;
    const counts = picks(filled(p2c, candidates), 10_000, asking(5));
    assert.ok(counts["e0"]! > 4_000, `${counts["e0"]}`);
  });

  test("leastRequest takes the one with less under way", () => {
    const [busy, idle] = [endpoint("busy", { inFlight: 9 }), endpoint("idle", { loadMs: 1e6 })];
    const balancer = filled(leastRequest, [busy, idle]);
    for (let i = 0; i < 20; i++) assert.equal(balancer.pick(asking(i)), idle);
  });

  test("in a panic it chooses as if all were available", () => {
    const candidates = endpoints(10, { up: false });
    candidates[0]!.up = true;
    const counts = picks(filled(p2c, candidates), 1_000, asking(5, { panic: true }));
    assert.equal(Object.keys(counts).length, 10);
  });
});

describe("in turn", () => {
  test("roundRobin begins anywhere, then goes round", () => {
    const balancer = filled(roundRobin, endpoints(4));
    const ask = asking(2);
    const first = Array.from({ length: 4 }, () => balancer.pick(ask)!.id);
    const second = Array.from({ length: 4 }, () => balancer.pick(ask)!.id);
    assert.equal(new Set(first).size, 4);
    assert.deepEqual(second, first);
    const begins = Array.from({ length: 50 }, (_, seed) =>
      filled(roundRobin, endpoints(4)).pick(asking(seed)),
    );
    assert.equal(new Set(begins.map((each) => each!.id)).size, 4);
  });

  test("weighted gives turns by weight, evenly spread", () => {
    const candidates = [5, 3, 2].map((weight, i) => endpoint(`e${i}`, { weight }));
    const balancer = filled(weighted, candidates);
    const ask = asking(2);
    assert.deepEqual(picks(balancer, 1_000, ask), { e0: 500, e1: 300, e2: 200 });
    let longest = 0;
    for (let i = 0, since = 0; i < 100; i++) {
      since = balancer.pick(ask)!.id === "e0" ? 0 : since + 1;
      longest = Math.max(longest, since);
    }
    assert.ok(longest <= 2, `half of all turns, and ${longest} in a row for others`);
  });

  test("weighted sees a weight that changes, and gives no flood to one that comes late", () => {
    const candidates = endpoints(3);
    const balancer = filled(weighted, candidates);
    const ask = asking(2);
    picks(balancer, 3_000, ask);
    candidates[0]!.weight = 0.1;
    const slow = picks(balancer, 2_100, ask);
    assert.ok(slow["e0"]! < 105 && slow["e0"]! > 95, `${slow["e0"]}`);
    balancer.update([...candidates.slice(1), endpoint("late")], 0);
    assert.equal(picks(balancer, 300, ask)["late"]! <= 101, true);
  });
});

const keys = Array.from({ length: 10_000 }, (_, i) => `key ${i}`);

function owners(balancer: Balancer<EndpointDouble>): (string | undefined)[] {
  const ask = asking(1);
  return keys.map((hashKey, now) => balancer.pick({ ...ask, now: 2 * now, hashKey })?.id);
}

for (const name of ["ringHash", "rendezvous"])
  describe(`by key: ${name}`, () => {
    const make = all[name]!;

    test("a key goes to the same endpoint, whoever asks and in whatever order they were given", () => {
      const candidates = endpoints(7);
      assert.deepEqual(
        owners(filled(make, candidates)),
        owners(filled(make, candidates.toReversed())),
      );
    });

    test("keys are shared out", () => {
      const counts = Object.groupBy(owners(filled(make, endpoints(5))), (id) => id!);
      for (const [id, own] of Object.entries(counts))
        assert.ok(own!.length > 1_200 && own!.length < 2_900, `${id}: ${own!.length}`);
      assert.equal(Object.keys(counts).length, 5);
    });

    test("when an endpoint goes only its keys move, and to all the others", () => {
      const candidates = endpoints(5);
      const before = owners(filled(make, candidates));
      const after = owners(filled(make, candidates.slice(1)));
      const moved = before.flatMap((id, i) =>
        id === after[i] ? [] : [{ from: id, to: after[i] }],
      );
      assert.ok(moved.every(({ from }) => from === "e0"));
      assert.equal(new Set(moved.map(({ to }) => to)).size, 4);
    });

    test("one that is not available gives its keys away until it is back", () => {
      const candidates = endpoints(5);
      const balancer = filled(make, candidates);
      const before = owners(balancer);
      candidates[2]!.up = false;
      assert.ok(owners(balancer).every((id) => id !== "e2"));
      candidates[2]!.up = true;
      assert.deepEqual(owners(balancer), before);
    });

    test("twice the weight gets about twice the keys", () => {
      const candidates = endpoints(4);
      candidates[0]!.weight = 2;
      const own = owners(filled(make, candidates)).filter((id) => id === "e0").length;
      assert.ok(own > 3_200 && own < 4_800, `${own} of 10,000`);
    });
  });

test("ringHash: no endpoint has more than 1.25 times its share under way, however hot a key is", () => {
  const candidates = endpoints(4);
  const balancer = filled(ringHash, candidates);
  const ask = asking(1, { hashKey: "hot" });
  for (let i = 1; i <= 400; i++) {
    balancer.pick(ask)!.inFlight++;
    const most = Math.max(...candidates.map(({ inFlight }) => inFlight));
    assert.ok(most <= Math.ceil((1.25 * i) / 4), `${most} of ${i}`);
  }
  assert.ok(Math.max(...candidates.map(({ inFlight }) => inFlight)) > 110, "and it uses its room");
});

test("ringHash refuses a bound that lets nothing through", () => {
  assert.throws(() => ringHash({ loadFactor: 1 }), /loadFactor is 1/);
});

describe("random subset", () => {
  test("uses all where there are few, and its size where there are many", () => {
    const used = (many: number): number => {
      const make: Make = () => randomSubset({ seed: "a" }, uniformRandom());
      return Object.keys(picks(filled(make, endpoints(many)), 5_000, asking(1))).length;
    };
    assert.deepEqual([10, 64, 65, 500].map(used), [10, 64, 20, 20]);
  });

  test("callers together use all alike", () => {
    const counts = new Map<string, number>();
    for (let caller = 0; caller < 200; caller++) {
      const make: Make = () => randomSubset({ seed: `caller ${caller}` }, uniformRandom());
      for (const id of Object.keys(picks(filled(make, endpoints(100)), 400, asking(caller))))
        counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    assert.equal(counts.size, 100);
    assert.ok(Math.max(...counts.values()) < 65 && Math.min(...counts.values()) > 20);
  });

  test("an endpoint that goes changes one place, and when all are down the next in order helps", () => {
    const make: Make = () => randomSubset({ seed: "a" }, uniformRandom());
    const candidates = endpoints(100);
    const before = new Set(Object.keys(picks(filled(make, candidates), 5_000, asking(1))));
    const [gone] = before;
    const left = candidates.filter(({ id }) => id !== gone);
    const after = Object.keys(picks(filled(make, left), 5_000, asking(1)));
    assert.equal(after.filter((id) => !before.has(id)).length, 1);
    for (const each of candidates) each.up = !before.has(each.id);
    const spare = picks(filled(make, candidates), 100, asking(1));
    assert.equal(Object.keys(spare).length, 1);
    assert.equal(before.has(Object.keys(spare)[0]!), false);
  });
});
