import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { sleep } from "../base/alarm.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { memory, MemoryNames } from "../transport/memory/memory.ts";
import { chassis, type Chassis, type ChassisOptions } from "./chassis.ts";
import { client } from "./client.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  { ask: call({ in: z.number(), out: z.number() }) },
);

interface Scene {
  readonly env: VirtualEnv;
  readonly app: Chassis;
  readonly desk: ReturnType<typeof client<typeof Desk>>;
}

/** A handler answers after as many milliseconds as it is asked for; it does not look at its signal. */
async function scene(
  options: Partial<ChassisOptions>,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  const env = new VirtualEnv();
  const transports = [memory(new MemoryNames())];
  const app = await chassis({
    name: "desk",
    listen: "memory:desk",
    signals: false,
    env,
    transports,
    serve: [
      serve(Desk, {
        ask: async (ms) => {
          await sleep(env, ms);
          return ms;
        },
      }),
    ],
    ...options,
  });
  await using desk = client(Desk, "memory:desk", {
    env,
    transports,
    connectWait: 100,
    deadline: "1h",
  });
  await play({ env, app, desk });
  await app.stop({ force: true });
}

const maybe = { code: "UNAVAILABLE", executed: "maybe" };

test("readiness goes first: for its time requests are still answered, then they are refused, then it closes", () =>
  scene({ stop: { readiness: "2s", drain: "10s" } }, async ({ env, app, desk }) => {
    const begun = env.now();
    const slow = desk.ask(5_000);
    await desk.ask(0);
    assert.equal(app.ready, true);
    const stopped = app.stop();
    assert.equal(app.ready, false);
    assert.ok(app.stopping.aborted);
    await sleep(env, 1_500);
    assert.equal(await desk.ask(1), 1);
    await sleep(env, 1_000);
    await assert.rejects(desk.ask(1), { code: "UNAVAILABLE", executed: "no" });
    assert.equal(await slow, 5_000);
    assert.deepEqual(await stopped, { cut: 0, forced: false });
    assert.ok(env.now() - begun >= 5_000 && env.now() - begun < 6_000);
  }));

test("what is not done when the time is over is cut, and its callers hear maybe", () =>
  scene({ stop: { drain: "3s" } }, async ({ env, app, desk }) => {
    const calls = [1, 2].map(() => assert.rejects(desk.ask(60_000), maybe));
    await desk.ask(0);
    const begun = env.now();
    assert.deepEqual(await app.stop(), { cut: 2, forced: false });
    assert.ok(env.now() - begun >= 3_000 && env.now() - begun < 3_100);
    await Promise.all(calls);
  }));

test("forced while it drains, it cuts at once", () =>
  scene({ stop: { drain: "1h" } }, async ({ env, app, desk }) => {
    const cut = assert.rejects(desk.ask(60_000), maybe);
    await desk.ask(0);
    const stopped = app.stop();
    await sleep(env, 1_000);
    const begun = env.now();
    assert.equal(app.stop({ force: true }), stopped);
    assert.deepEqual(await stopped, { cut: 1, forced: true });
    assert.ok(env.now() - begun < 100);
    await cut;
  }));

test("forced while its readiness is told, it does not wait for the end of that", () =>
  scene({ stop: { readiness: "1h" } }, async ({ env, app, desk }) => {
    const cut = assert.rejects(desk.ask(60_000), maybe);
    await desk.ask(0);
    const stopped = app.stop();
    await sleep(env, 1_000);
    const begun = env.now();
    void app.stop({ force: true });
    assert.deepEqual(await stopped, { cut: 1, forced: true });
    assert.ok(env.now() - begun < 100, `${env.now() - begun} ms`);
    await cut;
    await sleep(env, 120_000);
    assert.equal(env.alarms, 0);
  }));

test("forced from the beginning, it says so, and stopping again changes nothing", () =>
  scene({}, async ({ app, desk }) => {
    const cut = assert.rejects(desk.ask(60_000), maybe);
    await desk.ask(0);
    const first = app.stop({ force: true });
    assert.equal(app.stop(), first);
    assert.equal(app.stop({ force: true }), first);
    assert.deepEqual(await first, { cut: 1, forced: true });
    assert.equal(await app.stopped, await first);
    await cut;
  }));

test("disposing is stopping, and stopped resolves for whoever waits for it", async () => {
  const env = new VirtualEnv();
  let stopped: Chassis["stopped"];
  {
    await using app = await chassis({ name: "short", signals: false, env });
    ({ stopped } = app);
  }
  assert.deepEqual(await stopped, { cut: 0, forced: false });
});

test("without hurry what is under way has all its time, and whoever stops it in order hurries it", () =>
  scene({ stop: { drain: "1s", unhurried: "1h" } }, async ({ env, app, desk }) => {
    const [soon, late] = [desk.ask(60_000), desk.ask(1_800_000)];
    await sleep(env, 10);
    const begun = env.now();
    const stopped = app.stop({ unhurried: true });
    assert.equal(app.ready, false);
    await assert.rejects(desk.ask(1), { executed: "no" });
    assert.equal(await soon, 60_000);
    assert.equal(app.stop({ unhurried: true }), stopped);
    await sleep(env, 10_000);
    const hurried = env.now();
    void app.stop();
    void app.stop();
    await assert.rejects(late, maybe);
    assert.deepEqual(await stopped, { cut: 1, forced: false });
    assert.ok(env.now() - begun > 60_000 && env.now() - hurried < 2_000);
  }));

test("without hurry it is over when all is done, and after its time", () =>
  scene({ stop: { drain: "1s", unhurried: "1m" } }, async ({ env, app, desk }) => {
    const [soon, late] = [desk.ask(30_000), desk.ask(90_000)];
    await sleep(env, 10);
    const begun = env.now();
    const stopped = app.stop({ unhurried: true });
    await Promise.all([soon, assert.rejects(late, maybe)]);
    assert.deepEqual(await stopped, { cut: 1, forced: false });
    assert.ok(env.now() - begun >= 60_000 && env.now() - begun < 61_000);
    const { alarms } = env;
    await app.stop();
    assert.equal(env.alarms, alarms, "it is over: there is nothing to hurry");
  }));

test("reloading asks all transports, then the user; one at a time, and what fails is not the end of it", async () => {
  const env = new VirtualEnv();
  const acts: string[] = [];
  const kept = {
    ...memory(new MemoryNames()),
    reload: () => {
      acts.push("transport");
      throw new Error("half written");
    },
  };
  await using app = await chassis({
    name: "x",
    signals: false,
    env,
    transports: [kept],
    reload: async () => {
      acts.push("begins");
      await sleep(env, 100);
      acts.push("ends");
    },
  });
  const all = [app.reload(), app.reload(), app.reload()];
  for (const each of all) await assert.rejects(each, /half written/);
  const once = ["transport", "begins", "ends"];
  assert.deepEqual(acts, [...once, ...once], "who asks meanwhile shares the next one");
  await assert.rejects(app.reload(), /half written/);
  assert.equal(acts.length, 9);
});

test("it listens for signals while it lives, and no longer; and not at all when told so", async () => {
  const count = (): number => process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
  const before = count();
  const app = await chassis({ name: "signals" });
  assert.equal(count(), before + 2);
  await app.stop();
  assert.equal(count(), before);
  const quiet = await chassis({ name: "quiet", signals: false });
  assert.equal(count(), before);
  await quiet.stop();
});
