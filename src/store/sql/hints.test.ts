import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { Hints } from "./hints.ts";

test("OB-9: however many hints are asked for, few are given, and the last is not left out", async () => {
  const env = new VirtualEnv();
  const given: number[] = [];
  const hints = new Hints(() => {
    given.push(env.now());
    return Promise.resolve();
  }, env);
  for (let times = 0; times < 100; times++) hints.hint();
  equal(given.length, 1);
  await sleep(env, 5);
  hints.hint();
  await sleep(env, 100);
  equal(given.length, 2);
  ok(given[1]! - given[0]! >= 10);
  hints.hint();
  equal(given.length, 3);
});

test("a hint that fails is nobody's trouble, and none is given when it is closed", async () => {
  const env = new VirtualEnv();
  let given = 0;
  const hints = new Hints(() => {
    given++;
    return Promise.reject(new Error("no connection"));
  }, env);
  hints.hint();
  hints.hint();
  hints.close();
  await sleep(env, 100);
  equal(given, 1);
  equal(env.alarms, 0);
});
