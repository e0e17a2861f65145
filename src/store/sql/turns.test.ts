import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { Turns } from "./turns.ts";

test("turns are given in the order in which they were asked for", async () => {
  const turns = new Turns(new VirtualEnv(), 1_000);
  const order: number[] = [];
  const end = await turns.take();
  const others = [1, 2, 3].map(async (number) => {
    const own = await turns.take();
    order.push(number);
    own();
  });
  end();
  await Promise.all(others);
  deepEqual(order, [1, 2, 3]);
});

test("nobody waits for his turn longer than was said, and who has given up is passed over", async () => {
  const env = new VirtualEnv();
  const turns = new Turns(env, 1_000);
  const end = await turns.take();
  await rejects(turns.take(), { code: "UNAVAILABLE", executed: "no", gate: "conflict" });
  equal(env.now() >= 1_000, true);
  const next = turns.take();
  end();
  (await next)();
  (await turns.take())();
  equal(env.alarms, 0);
});
