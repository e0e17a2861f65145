import { equal, ok } from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { sleep } from "./alarm.ts";
import { LagGauge } from "./lag-gauge.ts";
import { VirtualEnv } from "./virtual-env.ts";

function gaugeOf(t: TestContext, env: VirtualEnv, busy: () => boolean = () => true): LagGauge {
  const gauge = new LagGauge(env, busy, () => {});
  t.after(() => gauge.stop());
  gauge.wake(env.now());
  return gauge;
}

async function turns(env: VirtualEnv, count: number, stallMs: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    env.stall(stallMs);
    await sleep(env, 40);
  }
}

test("slow turns one after the other are lag, and it is over when they are", async (t) => {
  const env = new VirtualEnv();
  const gauge = gaugeOf(t, env);
  await turns(env, 10, 0);
  ok(gauge.lagMs < 10, `${gauge.lagMs}`);
  await turns(env, 10, 250);
  ok(gauge.lagMs > 100, `${gauge.lagMs}`);
  await turns(env, 20, 0);
  ok(gauge.lagMs < 10, `${gauge.lagMs}`);
});

test("one standstill, however long, is no lag", async (t) => {
  const env = new VirtualEnv();
  const gauge = gaugeOf(t, env);
  await turns(env, 1, 3_600_000);
  ok(gauge.lagMs < 100, `${gauge.lagMs}`);
});

test("it sleeps while there is nothing to do", async () => {
  const env = new VirtualEnv();
  let looks = 0;
  let busy = true;
  const gauge = new LagGauge(
    env,
    () => busy,
    () => looks++,
  );
  gauge.wake(env.now());
  await sleep(env, 220);
  busy = false;
  await sleep(env, 1_000);
  const before = looks;
  await sleep(env, 10_000);
  equal(looks, before);
  equal(env.alarms, 0);
});
