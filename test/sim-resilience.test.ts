// A small share of `npm run sim -- resilience`: callers and replicas behind a registry in virtual time under faults.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { playResilience } from "../sim/resilience/resilience.ts";

const seeds = 40;

test("calls survive what happens to others under the faults of forty seeds", async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await playResilience(seed);
    const told = violations.map((each) => `  ✗ ${each}`).join("\n");
    equal(told, "", `again, with every event: npm run sim -- resilience --seed ${seed}\n${told}`);
  }
});

test("the same seed comes out the same", async () => {
  for (const seed of [7, 31]) {
    const [first, second] = [await playResilience(seed), await playResilience(seed)];
    equal(first.hash, second.hash, `npm run sim -- resilience --seed ${seed}`);
  }
});
