import { deepEqual, equal, ok } from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as z from "zod";
import { sleep } from "../base/alarm.ts";
import type { TrunklineError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { AdmissionOptions } from "../call/load/admission-options.ts";
import type { Client } from "../call/client-type.ts";
import { serve } from "../call/serve.ts";
import { call, contract, notification, stream } from "../contract/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client } from "./client.ts";
import { Health } from "./health.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    work: call({ in: z.string(), out: z.string() }),
    report: call({ in: z.string(), out: z.string() }),
    pay: call({ in: z.string(), out: z.string() }),
    spin: call({ in: z.number() }),
    watch: stream({ out: z.int() }),
    tell: notification({ in: z.string() }),
  },
);

interface Scene {
  readonly env: VirtualEnv;
  readonly app: Chassis;
  readonly desk: Client<typeof Desk>;
  readonly address: string;
  /** Inputs of handlers that have begun, in their order. */
  readonly began: string[];
  /** Lets the handler of that input end. */
  readonly end: (input: string) => void;
}

let places = 0;

/** A desk whose handlers wait to be told. */
async function scene(t: TestContext, admission: AdmissionOptions | false): Promise<Scene> {
  const env = new VirtualEnv();
  const address = `memory:overload-${++places}`;
  const began: string[] = [];
  const waiting = new Map<string, () => void>();
  const handler = async (input: string): Promise<string> => {
    began.push(input);
    await new Promise<void>((resolve) => waiting.set(input, resolve));
    return input;
  };
  const app = await chassis({
    name: "desk",
    listen: address,
    signals: false,
    env,
    admission,
    stop: { drain: 0 },
    serve: [
      serve(Desk, {
        work: handler,
        report: handler,
        pay: handler,
        spin: (ms) => env.stall(ms),
        async *watch() {
          for (let item = 0; ; item++) {
            yield item;
            await sleep(env, 1_000);
          }
        },
        tell: async (input) => void (await handler(input)),
      }),
    ],
  });
  const desk = client(Desk, address, { env, retry: false });
  t.after(async () => {
    for (const end of waiting.values()) end();
    await app.stop({ force: true });
    await desk[Symbol.asyncDispose]();
    equal(env.alarms, 0);
  });
  return { env, app, desk, address, began, end: (input) => waiting.get(input)!() };
}

async function failure(given: Promise<unknown>): Promise<TrunklineError> {
  try {
    await given;
  } catch (error) {
    return error as TrunklineError;
  }
  throw new Error("it did not fail");
}

/** Until what was asked for has come to the server; hardly any time passes. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("what is too much waits for a moment, and is refused then before anything ran", async (t) => {
  const { env, desk, app, began, end } = await scene(t, { limitMax: 2, limitMin: 2 });
  const first = [desk.work("a"), desk.work("b")];
  const third = desk.work("c");
  const error = await failure(third);
  deepEqual([error.code, error.executed, error.gate], ["RESOURCE_EXHAUSTED", "no", "admission"]);
  const { retryAfterMs } = error;
  ok(typeof retryAfterMs === "number" && retryAfterMs >= 100 && retryAfterMs <= 300);
  ok(env.now() >= 100 && env.now() < 200, `refused at ${env.now()}`);
  deepEqual(began, ["a", "b"]);
  const { admission } = app.stats();
  deepEqual([admission?.limit, admission?.inFlight, admission?.queued], [2, 2, 0]);
  equal(admission?.lanes["main"]?.refused, 1);
  end("a");
  end("b");
  deepEqual(await Promise.all(first), ["a", "b"]);
});

test("who waits begins as soon as another one has ended, in the order of arrival", async (t) => {
  const bounds = { limitMax: 1, limitMin: 1, sojournMs: 60_000 };
  const { desk, app, began, end } = await scene(t, bounds);
  const all = ["a", "b", "c"].map((input) => desk.work(input));
  await turns();
  equal(app.stats().admission?.queued, 2);
  end("a");
  await turns();
  deepEqual(began, ["a", "b"]);
  end("b");
  await turns();
  end("c");
  deepEqual(await Promise.all(all), ["a", "b", "c"]);
});

test("who gives up, or whose deadline is over, leaves the queue at once and has its place freed", async (t) => {
  const bounds = { limitMax: 1, limitMin: 1, queueMax: 1, sojournMs: 60_000 };
  const { desk, app, began, end } = await scene(t, bounds);
  const first = desk.work("a");
  const controller = new AbortController();
  const given = desk.work("b", { signal: controller.signal });
  await turns();
  equal(app.stats().admission?.queued, 1);
  controller.abort();
  equal((await failure(given)).code, "CANCELLED");
  await turns();
  equal(app.stats().admission?.queued, 0);
  const late = await failure(desk.work("c", { deadline: "20ms" }));
  equal(late.code, "DEADLINE_EXCEEDED");
  await turns();
  equal(app.stats().admission?.queued, 0);
  deepEqual(began, ["a"]);
  end("a");
  equal(await first, "a");
});

test("a full queue refuses at once", async (t) => {
  const bounds = { limitMax: 1, limitMin: 1, queueMax: 1, sojournMs: 60_000 };
  const { env, desk, end } = await scene(t, bounds);
  const first = desk.work("a");
  const second = desk.work("b");
  const error = await failure(desk.work("c"));
  equal(error.gate, "admission");
  equal(env.now(), 0);
  end("a");
  await turns();
  end("b");
  deepEqual(await Promise.all([first, second]), ["a", "b"]);
});

test("streams do not use up what calls may", async (t) => {
  const { env, desk, app, end } = await scene(t, { limitMax: 1, limitMin: 1, lastingMax: 2 });
  const streams = [desk.watch(), desk.watch()];
  for (const each of streams) equal((await each.next()).value, 0);
  const work = desk.work("a");
  await turns();
  end("a");
  equal(await work, "a");
  equal(app.stats().admission?.lasting, 2);
  const third = await failure(desk.watch().next());
  deepEqual([third.code, third.executed], ["RESOURCE_EXHAUSTED", "no"]);
  for (const each of streams) await each.return?.();
  await sleep(env, 1_500); // the handlers look up from their sleep
  equal(app.stats().admission?.lasting, 0);
});

test("health is told by a server that has enough to do", async (t) => {
  const { env, desk, address, end } = await scene(t, { limitMax: 1, limitMin: 1 });
  const work = desk.work("a");
  await turns();
  await using health = client(Health, address, { env });
  equal((await health.check({ contract: "desk" })).serving, true);
  end("a");
  await work;
});

test("a loop that is late again and again lowers the limit; one standstill does not", async (t) => {
  const { env, desk, app } = await scene(t, {});
  const limit = (): number => app.stats().admission!.limit;
  env.stall(1);
  const once = desk.spin(7_000);
  await sleep(env, 20_000);
  await once;
  equal(limit(), 2_000);
  for (let i = 0; i < 20; i++) {
    await desk.spin(400);
    await sleep(env, 20);
  }
  equal(limit(), 16);
});

test("sheddable operations are refused first, critical ones last", async (t) => {
  const priorities = { "desk.report": "sheddable", "desk.pay": "critical" } as const;
  const { env, desk, end } = await scene(t, { limitMax: 10, limitMin: 10, priorities });
  const taken = Array.from({ length: 8 }, (_, i) => desk.work(String(i)));
  const shed = await failure(desk.report("report"));
  deepEqual([shed.gate, env.now()], ["admission", 0]);
  taken.push(desk.work("8"), desk.work("9"));
  const pay = desk.pay("pay");
  await turns();
  end("pay");
  equal(await pay, "pay");
  for (let i = 0; i < 10; i++) end(String(i));
  await Promise.all(taken);
});

test("without admission everything is taken on, and nothing is said of it", async (t) => {
  const { desk, app, began, end } = await scene(t, false);
  const all = Array.from({ length: 50 }, (_, i) => desk.work(String(i)));
  await turns();
  equal(began.length, 50);
  equal(app.stats().admission, undefined);
  for (const input of began) end(input);
  await Promise.all(all);
});

test("what is wrong with the bounds is told at the start", async () => {
  const env = new VirtualEnv();
  const admission = {
    limitMax: 0,
    lanes: { a: 0.7, b: 0.7 },
    priorities: { "desk.none": "critical" },
  } as const;
  const error = await failure(chassis({ name: "desk", env, admission, serve: [], signals: false }));
  for (const told of ["admission.limitMax is 0", "keep 1.4 of the limit", "desk.none"])
    ok(error.message.includes(told), error.message);
});
