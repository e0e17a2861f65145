import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { test } from "node:test";

import { alarmAt, sleep } from "../base/alarm.ts";
import { tickMs } from "../base/timer-wheel.ts";
import { virtualEnv, World } from "./sim-env.ts";

/** Three nodes that wait and throw dice; the trace holds who was when at what. */
async function story(seed: number): Promise<{ hash: string; lines: string[] }> {
  const world = new World(seed);
  const lines: string[] = [];
  world.onTrace = (line) => lines.push(line);
  const walk = async (name: string): Promise<void> => {
    const env = world.env(name);
    for (let step = 0; step < 50; step++) {
      await sleep(env, env.random() * 100);
      world.trace(`${name} ${step}`);
    }
  };
  await world.play(async () => {
    await Promise.all([walk("a"), walk("b"), walk("c")]);
  });
  return { hash: world.hash, lines };
}

test("the same seed gives the same run, another seed another", async () => {
  const [first, second, other] = [await story(7), await story(7), await story(8)];
  deepEqual(first, second);
  notEqual(first.hash, other.hash);
  equal(new Set(first.lines).size, 150);
});

test("a throw of the dice in one node changes nothing in another", () => {
  const throws = (before: number): number[] => {
    const world = new World(3);
    const [a, b] = [world.env("a"), world.env("b")];
    for (let i = 0; i < before; i++) a.random();
    return [b.random(), b.random(), b.random()];
  };
  deepEqual(throws(0), throws(5));
});

test("time goes on only by events, and an hour takes no time", async () => {
  const env = virtualEnv();
  const begin = env.now();
  await env.world.play(() => sleep(env, 3_600_000));
  ok(env.now() - begin >= 3_600_000 && env.now() - begin <= 3_600_000 + tickMs);
});

test("an alarm rings when it is due or one tick later, and not when it was cleared", async () => {
  const env = virtualEnv();
  const rung: number[] = [];
  const dues = [0.3, 1, 4, 4.1, 99, 1_000.5, 20_000].map((due) => env.now() + due);
  for (const due of dues) alarmAt(env, due, () => void rung.push(env.now() - due));
  env.clear(alarmAt(env, env.now() + 5, () => void rung.push(-1)));
  equal(env.alarms, dues.length);
  await env.world.run(30_000);
  equal(rung.length, dues.length);
  ok(rung.every((late) => late >= 0 && late <= tickMs));
  equal(env.alarms, 0);
});

test("deferred work runs before further input, yielded work after what is there", async () => {
  const env = virtualEnv();
  const order: string[] = [];
  env.in(1, () => {
    env.yield(() => void order.push("yielded"));
    env.defer(() => void order.push("deferred"));
    void Promise.resolve().then(() => order.push("promise"));
    order.push("event");
  });
  env.in(1, () => void order.push("input"));
  await env.world.run(2);
  deepEqual(order, ["event", "deferred", "promise", "input", "yielded"]);
});

test("a paused node does its work late, alarms first; the others go on", async () => {
  const world = new World();
  const [slow, quick] = [world.env("slow"), world.env("quick")];
  const order: string[] = [];
  const note = (what: string) => () => void order.push(`${what} at ${world.now}`);
  slow.pause(100);
  slow.in(10, note("input"));
  alarmAt(slow, slow.now() + 20, note("alarm"));
  quick.in(30, note("other"));
  slow.in(120, note("later"));
  await world.run(200);
  deepEqual(order, ["other at 30", "alarm at 100", "input at 100", "later at 120"]);
});

test("nothing happens in a node that was killed", async () => {
  const world = new World();
  const env = world.env("node");
  const happened: string[] = [];
  env.in(10, () => void happened.push("event"));
  alarmAt(env, env.now() + 10, () => void happened.push("alarm"));
  await world.run(5);
  env.kill();
  env.defer(() => void happened.push("deferred"));
  env.yield(() => void happened.push("yielded"));
  await world.run(100);
  deepEqual(happened, []);
});

test("who waits for what can never come is told so", async () => {
  const { world } = virtualEnv();
  await rejects(
    world.play(() => new Promise(() => {})),
    /nothing is left to happen/,
  );
});
