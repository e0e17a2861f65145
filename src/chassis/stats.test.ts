import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import type { OperationStats } from "../call/meter.ts";
import { call, contract, duplex, notification, stream, upload } from "../contract/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client, statsOf } from "./client.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    get: call({ in: z.string(), out: z.string(), errors: { NOT_FOUND: z.string() } }),
    move: call({ in: z.object({ id: z.string() }), key: "id" }),
    count: stream({ in: z.int(), out: z.int() }),
    note: notification({ in: z.string() }),
    load: upload({ head: z.object({ id: z.string() }), in: z.int(), key: "id" }),
    swap: duplex({ in: z.int(), out: z.int() }),
  },
);

interface Gate {
  readonly open: () => void;
  readonly opened: Promise<void>;
}

function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

async function desk(address: string, moving: Gate, inFlightMax = 4_096): Promise<Chassis> {
  return chassis({
    name: "desk",
    listen: address,
    signals: false,
    inFlightMax,
    serve: [
      serve(Desk, {
        get: (id, { errors }) => {
          if (id === "none") throw errors.NOT_FOUND(id);
          return id;
        },
        move: () => moving.opened,
        *count(most) {
          for (let item = 0; item < most; item++) yield item;
        },
        note: () => {},
        load: () => moving.opened,
        swap: (items) => items,
      }),
    ],
  });
}

function of(operations: readonly OperationStats[], name: string): OperationStats {
  return operations.find(({ operation }) => operation === `desk.${name}`)!;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1);
}

test("both sides count what ended, and failures by their code", async () => {
  await using app = await desk("memory:stats-count", gate());
  await using caller = client(Desk, "memory:stats-count", { checkSent: false });
  await caller.get("a");
  await caller.get("b");
  await rejects(caller.get("none"));
  await rejects(caller.get(7 as never));
  for await (const _ of caller.count(3));
  await caller.note("hello");
  await until(() => of(app.stats().operations, "note").count === 1);

  for (const { operations } of [app.stats(), statsOf(caller)]) {
    const get = of(operations, "get");
    equal(get.count, 4);
    deepEqual(get.failures, { NOT_FOUND: 1, INVALID_ARGUMENT: 1 });
    equal(get.inFlight, 0);
    ok(get.latency.p50Ms > 0 && get.latency.maxMs >= get.latency.p50Ms);
    equal(of(operations, "count").count, 1);
    deepEqual(of(operations, "count").failures, {});
    equal(of(operations, "note").count, 1);
    equal(of(operations, "move").count, 0);
  }
});

test("what is under way and what waits behind its key are told apart", async () => {
  const moving = gate();
  await using app = await desk("memory:stats-waiting", moving);
  await using caller = client(Desk, "memory:stats-waiting");
  const moves = [caller.move({ id: "a" }), caller.move({ id: "a" }), caller.move({ id: "b" })];
  await until(() => of(app.stats().operations, "move").inFlight === 3);
  await until(() => of(app.stats().operations, "move").waiting === 1);
  equal(of(statsOf(caller).operations, "move").inFlight, 3);
  equal(app.stats().addresses[0]!.inFlight, 3);
  equal(app.stats().addresses[0]!.connections, 1);
  moving.open();
  await Promise.all(moves);
  const { inFlight, waiting, count } = of(app.stats().operations, "move");
  deepEqual([inFlight, waiting, count], [0, 0, 3]);
});

test("uploads and duplexes are counted like the other kinds, their turns too", async () => {
  const moving = gate();
  await using app = await desk("memory:stats-items", moving);
  await using caller = client(Desk, "memory:stats-items");
  const loads = [1, 2].map((item) => caller.load([item], { head: { id: "a" } }));
  await until(() => of(app.stats().operations, "load").inFlight === 2);
  await until(() => of(app.stats().operations, "load").waiting === 1);
  moving.open();
  await Promise.all(loads);
  for await (const _ of caller.swap([1, 2, 3]));
  await rejects(async () => {
    for await (const _ of caller.swap(["x"] as never));
  });
  await until(() => of(app.stats().operations, "swap").inFlight === 0);
  deepEqual(of(statsOf(caller).operations, "swap").failures, { INVALID_ARGUMENT: 1 });
  deepEqual(of(app.stats().operations, "swap").failures, { CANCELLED: 1 });
  for (const { operations } of [app.stats(), statsOf(caller)]) {
    const [load, swap] = [of(operations, "load"), of(operations, "swap")];
    deepEqual([load.kind, load.count, load.failures, load.waiting], ["upload", 2, {}, 0]);
    deepEqual([swap.kind, swap.count, swap.inFlight], ["duplex", 2, 0]);
  }
});

test("a request that the server refuses for want of room counts as a failure, not as a latency", async () => {
  const moving = gate();
  await using app = await desk("memory:stats-refused", moving, 1);
  await using caller = client(Desk, "memory:stats-refused", { retry: false });
  const move = caller.move({ id: "a" });
  await rejects(caller.move({ id: "b" }), { code: "RESOURCE_EXHAUSTED", executed: "no" });
  const told = of(app.stats().operations, "move");
  deepEqual(told.failures, { RESOURCE_EXHAUSTED: 1 });
  equal(told.count, 1);
  equal(told.latency.maxMs, 0);
  equal(told.inFlight, 1);
  moving.open();
  await move;
});

test("a client tells how many of its requests wait for a connection", async () => {
  await using caller = client(Desk, "memory:stats-nobody", { connectWait: "5s" });
  const waiting = rejects(caller.get("a", { deadline: "100ms" }));
  await until(() => statsOf(caller).waiting === 1);
  equal(statsOf(caller).endpoint, "memory:stats-nobody");
  await waiting;
  equal(statsOf(caller).waiting, 0);
  deepEqual(of(statsOf(caller).operations, "get").failures, { UNAVAILABLE: 1 });
});

test("a stream that its reader leaves has ended on both sides", async () => {
  await using app = await desk("memory:stats-left", gate());
  await using caller = client(Desk, "memory:stats-left");
  for await (const item of caller.count(1_000_000)) if (item === 3) break;
  await until(() => of(app.stats().operations, "count").inFlight === 0);
  equal(of(app.stats().operations, "count").count, 1);
  equal(of(statsOf(caller).operations, "count").count, 1);
  equal(of(statsOf(caller).operations, "count").inFlight, 0);
});
