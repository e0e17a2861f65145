import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { Patience } from "./patience.ts";

const turnMs = 0.001;

/** Waits for something that comes after so many turns, or after a sleep of so long; tells how many turns were spent on looking. */
function waits(patience: Patience, clock: { now: number }, comesAfter: number, sleepMs: number) {
  let looks = 0;
  while (patience.again(clock.now)) {
    clock.now += turnMs;
    if (++looks === comesAfter) {
      patience.found();
      return { looks, slept: false };
    }
  }
  patience.sleeps(clock.now);
  clock.now += sleepMs;
  patience.wakes(clock.now);
  patience.found();
  return { looks, slept: true };
}

test("who is answered while it looks goes on looking", () => {
  const [patience, clock] = [new Patience(2), { now: 0 }];
  for (let call = 0; call < 1_000; call++)
    deepEqual(waits(patience, clock, 10, 1), { looks: 10, slept: false });
});

test("who looks in vain soon sleeps at once, however short its sleeps are", () => {
  const [patience, clock] = [new Patience(2), { now: 0 }];
  let looks = 0;
  for (let call = 0; call < 10_000; call++) looks += waits(patience, clock, Infinity, 0.01).looks;
  ok(looks < 10_000 / 4, `${looks} turns were spent on looking`);
  ok(looks > 64, "it has not been tried again");
});

test("when to look is worth it again, that is found out", () => {
  const [patience, clock] = [new Patience(2), { now: 0 }];
  for (let call = 0; call < 10_000; call++) waits(patience, clock, Infinity, 0.01);
  let calls = 0;
  while (waits(patience, clock, 10, 0.01).slept) ok(++calls <= 1_024);
  for (let call = 0; call < 100; call++) equal(waits(patience, clock, 10, 0.01).slept, false);
});

test("long sleeps are no reason to look", () => {
  const [patience, clock] = [new Patience(2), { now: 0 }];
  for (let call = 0; call < 10; call++) waits(patience, clock, Infinity, 1_000);
  for (let call = 0; call < 10_000; call++) equal(waits(patience, clock, Infinity, 1_000).looks, 0);
});

test("where turns take long because others want the core, the time ends it", () => {
  const patience = new Patience(2);
  equal(patience.again(0), true);
  equal(patience.again(0.14), true);
  equal(patience.again(0.16), false);
});

test("with one core nobody looks", () => {
  const [patience, clock] = [new Patience(1), { now: 0 }];
  for (let call = 0; call < 10_000; call++) equal(waits(patience, clock, 1, 0.01).looks, 0);
});
