import assert from "node:assert/strict";
import { test } from "node:test";
import { alarmAt, sleep } from "./alarm.ts";
import { VirtualEnv } from "./virtual-env.ts";

test("an hour passes at once when nothing else can happen", async () => {
  const env = new VirtualEnv();
  await sleep(env, 3_600_000);
  assert.equal(env.now(), 3_600_000);
  assert.equal(env.alarms, 0);
});

test("time stands still while work is deferred, yielded or awaited", async () => {
  const env = new VirtualEnv();
  const alarm = alarmAt(env, 10, () => {});
  for (let turns = 0; turns < 20; turns++) {
    await new Promise<void>((resolve) => env.yield(resolve));
    await new Promise<void>((resolve) => env.defer(resolve));
    assert.equal(env.now(), 0);
  }
  env.clear(alarm);
});

test("alarms ring in the order of their times, and those of one time in the order they were set", async () => {
  const env = new VirtualEnv();
  const rung: string[] = [];
  for (const [name, due] of [
    ["c", 30],
    ["a", 10],
    ["b", 20],
    ["d", 30],
  ] as const) {
    alarmAt(env, due, () => rung.push(`${name}@${env.now()}`));
  }
  await sleep(env, 100);
  assert.deepEqual(rung, ["a@12", "b@20", "c@32", "d@32"]);
});

test("after a stall what was due rings, late", async () => {
  const env = new VirtualEnv();
  const rung: number[] = [];
  alarmAt(env, 10, () => rung.push(env.now()));
  env.stall(500);
  await sleep(env, 0);
  assert.deepEqual(rung, [500]);
});
