import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";

import { sleep } from "./alarm.ts";
import { realEnv } from "./real-env.ts";
import { VirtualEnv } from "./virtual-env.ts";

test("nobody who has not asked is told of a stall", async () => {
  const env = new VirtualEnv();
  env.stall(2_000);
  equal(env.pulse.pile(env.now()), undefined);
  env.pulse.hold();
  env.pulse.hold();
  env.pulse.release();
  env.stall(2_000);
  equal(env.pulse.pile(env.now())?.lengthMs, 2_000);
  await env.pulse.pile(env.now())?.read;
  env.pulse.release();
  env.stall(2_000);
  equal(env.pulse.pile(env.now()), undefined);
});

test("with the last who wanted to know a pile is over, and no alarm stays", async () => {
  const env = new VirtualEnv();
  env.pulse.hold();
  env.stall(2_000);
  const stall = env.pulse.pile(env.now())!;
  env.pulse.release();
  await stall.read;
  equal(env.alarms, 0);
});

test("a short pause is no stall", () => {
  const env = new VirtualEnv();
  env.pulse.hold();
  env.stall(50);
  equal(env.pulse.pile(env.now()), undefined);
});

test("the pile is read for some milliseconds; while more of it comes, for up to 100", async () => {
  const env = new VirtualEnv();
  env.pulse.hold();
  env.stall(1_000);
  const begun = env.now();
  const few = env.pulse.pile(begun)!;
  await few.read;
  const fewMs = env.now() - begun;
  ok(fewMs >= 8 && fewMs <= 16, `${fewMs} ms`);
  equal(env.pulse.pile(env.now()), undefined);

  env.stall(1_000);
  const again = env.now();
  const many = env.pulse.pile(again)!;
  let over = false;
  void many.read.then(() => (over = true));
  for (let turns = 0; turns < 200; turns++) {
    equal(over, false);
    env.pulse.pile(env.now());
    await new Promise<void>((resolve) => env.yield(resolve));
  }
  env.stall(100);
  await many.read;
  equal(env.alarms, 0);
});

test("a process that is busy for long finds its pile, whoever looks first: the beat, or who reads", async () => {
  const env = realEnv();
  const busy = (ms: number): void => {
    const until = env.now() + ms;
    while (env.now() < until);
  };
  env.pulse!.hold();
  try {
    env.pulse!.pile(env.now());
    await sleep(env, 130);
    busy(200);
    const stall = env.pulse!.pile(env.now());
    ok(stall !== undefined && stall.lengthMs > 100, "who reads");
    await stall.read;
    busy(200);
    await sleep(env, 1);
    const later = env.pulse!.pile(env.now());
    ok(later === undefined || later.lengthMs > 100, "the beat");
    await later?.read;
  } finally {
    env.pulse!.release();
  }
  deepEqual(env.pulse!.pile(env.now()), undefined);
});
