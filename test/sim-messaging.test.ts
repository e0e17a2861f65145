// A small share of `npm run sim -- messaging`: publishers and groups of consumers on a broker in virtual time under faults.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { playMessaging } from "../sim/messaging/messaging.ts";

const seeds = 60;

test("nothing is lost, doubled in effect or out of order under the faults of sixty seeds", async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await playMessaging(seed);
    const told = violations.map((each) => `  ✗ ${each}`).join("\n");
    equal(told, "", `again, with every event: npm run sim -- messaging --seed ${seed}\n${told}`);
  }
});

test("the same seed comes out the same", async () => {
  for (const seed of [7, 31]) {
    const [first, second] = [await playMessaging(seed), await playMessaging(seed)];
    equal(first.hash, second.hash, `npm run sim -- messaging --seed ${seed}`);
  }
});
