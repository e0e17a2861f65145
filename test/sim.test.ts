// A small share of `npm run sim -- calls`: the whole stack in virtual time under faults.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { playCalls } from "../sim/calls.ts";

const seeds = 100;

test("calls keep their promises under the faults of a hundred seeds", async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await playCalls(seed);
    const told = violations.map((each) => `  ✗ ${each}`).join("\n");
    equal(told, "", `again, with every event: npm run sim -- calls --seed ${seed}\n${told}`);
  }
});

test("the same seed comes out the same", async () => {
  for (const seed of [3, 14, 159]) {
    const [first, second] = [await playCalls(seed), await playCalls(seed)];
    equal(first.hash, second.hash, `npm run sim -- calls --seed ${seed}`);
  }
});
