// A small share of `npm run sim -- broker`: publishers and consumers on an embedded broker in virtual time, whose process ends at any point.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { playBroker } from "../sim/broker/broker.ts";

const seeds = 60;

test("nothing is lost, done again, early or out of order wherever the broker of sixty seeds ends", async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await playBroker(seed);
    const told = violations.map((each) => `  ✗ ${each}`).join("\n");
    equal(told, "", `again, with every event: npm run sim -- broker --seed ${seed}\n${told}`);
  }
});

test("the same seed comes out the same", async () => {
  for (const seed of [7, 31]) {
    const [first, second] = [await playBroker(seed), await playBroker(seed)];
    equal(first.hash, second.hash, `npm run sim -- broker --seed ${seed}`);
  }
});
