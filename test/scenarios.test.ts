// The scenarios of `npm run bench -- resilience`, as small as they still show what they are to show: in virtual time.
import { ok } from "node:assert/strict";
import { test } from "node:test";
import { met } from "../sim/scenarios/goal.ts";
import { scenarios } from "../sim/scenarios/scenarios.ts";

const seed = 1;

for (const scenario of scenarios)
  test(`${scenario.name} comes to what it is to come to`, async () => {
    for (const outcome of await scenario(seed, true)) {
      const { name, measured, bound, limit, unit } = outcome;
      ok(met(outcome), `${name}: ${measured}, and not ${bound} ${limit}${unit}`);
    }
  });
