// A small share of `npm run sim -- outbox`: transactions that publish, relays, and consumers with an inbox, in virtual time under faults.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { playOutbox } from "../sim/outbox/outbox.ts";

const seeds = 60;

test("OB-1 to OB-7, OB-12: what was committed has its effect once and in order under the faults of sixty seeds", async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await playOutbox(seed);
    const told = violations.map((each) => `  ✗ ${each}`).join("\n");
    equal(told, "", `again, with every event: npm run sim -- outbox --seed ${seed}\n${told}`);
  }
});

test("the same seed comes out the same", async () => {
  for (const seed of [7, 31]) {
    const [first, second] = [await playOutbox(seed), await playOutbox(seed)];
    equal(first.hash, second.hash, `npm run sim -- outbox --seed ${seed}`);
  }
});
