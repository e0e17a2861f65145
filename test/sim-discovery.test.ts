// A small share of `npm run sim -- discovery`: registries, those who register and those who watch, in virtual time under faults.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { playDiscovery } from "../sim/discovery/discovery.ts";

const seeds = 60;

test("what is found stays true under the faults of sixty seeds", async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await playDiscovery(seed);
    const told = violations.map((each) => `  ✗ ${each}`).join("\n");
    equal(told, "", `again, with every event: npm run sim -- discovery --seed ${seed}\n${told}`);
  }
});

test("the same seed comes out the same", async () => {
  for (const seed of [3, 24]) {
    const [first, second] = [await playDiscovery(seed), await playDiscovery(seed)];
    equal(first.hash, second.hash, `npm run sim -- discovery --seed ${seed}`);
  }
});
