import { ok } from "node:assert/strict";
import { test } from "node:test";
import { playOverload, type OverloadPlan } from "../sim/overload.ts";

/*
 * Goal: a server to which twice as much comes as it can do does as much as it can, and whoever finds no room is told so
 * before anything ran. Without admission it is busy with what nobody waits for any more.
 */

const twice: OverloadPlan = { seed: 1, load: 2, workers: 20, seconds: 10, admission: {} };

function show(value: unknown): string {
  return JSON.stringify(value);
}

test("under twice the load a server answers nine tenths of what it can do, or more", async () => {
  for (let seed = 1; seed <= 2; seed++) {
    const told = await playOverload({ ...twice, seed });
    ok(told.goodput >= 0.9 && told.settled >= 0.9, `seed ${seed}: ${show(told)}`);
  }
});

test("a small server does so too, and takes a while to learn it", async () => {
  const told = await playOverload({ ...twice, workers: 10, seconds: 20 });
  ok(told.goodput >= 0.9 && told.settled >= 0.9, show(told));
});

test("without admission hardly any answer comes in time", async () => {
  const told = await playOverload({ ...twice, admission: false });
  ok(told.settled < 0.2, show(told));
});

test("a server with nine tenths of what it can do refuses nobody", async () => {
  const told = await playOverload({ ...twice, load: 0.9 });
  ok(Object.keys(told.failures).length === 0, show(told));
});
