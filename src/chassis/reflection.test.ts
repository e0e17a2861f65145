import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { bytes, call, contract, describe, stream, upload } from "../contract/index.ts";
import { memory } from "../transport/memory/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client } from "./client.ts";
import { Health } from "./health.ts";
import { Reflection } from "./reflection.ts";

const Orders = contract(
  "orders",
  { version: "1.2.3" },
  {
    get: call({
      in: z.string(),
      out: z.object({ id: z.string() }),
      errors: { NOT_FOUND: z.string() },
    }),
    watch: stream({ in: z.string(), out: bytes(), idle: "5s", description: "As it changes." }),
    load: upload({ head: z.object({ id: z.string() }), in: bytes(), out: z.int(), key: "id" }),
  },
);
const orders = serve(Orders, { get: (id) => ({ id }), watch: () => [], load: () => 0 });

/** Memory under a name that says nothing of being near. */
const far = { transports: [{ ...memory(), name: "tcp" }] };

function start(address: string, options: object = {}): Promise<Chassis> {
  return chassis({ name: "shop", listen: address, signals: false, serve: [orders], ...options });
}

test("a process describes itself and its contracts to whoever knows its address", async () => {
  await using app = await start("memory:reflection");
  await using reflection = client(Reflection, "memory:reflection");
  const told = await reflection.describe();
  deepEqual(
    { ...told, uptimeMs: 0 },
    {
      name: "shop",
      instance: app.instance,
      uptimeMs: 0,
      ready: true,
      addresses: ["memory:reflection"],
      contracts: [JSON.parse(JSON.stringify(describe(Orders)))],
    },
  );
  ok(told.uptimeMs > 0);
});

test("the figures of a process travel as it tells them itself, its own services not counted", async () => {
  await using app = await start("memory:reflection-stats");
  await using reflection = client(Reflection, "memory:reflection-stats");
  await using shop = client(Orders, "memory:reflection-stats");
  await shop.get("o-1");
  const told = await reflection.stats();
  deepEqual(told.operations, app.stats().operations);
  deepEqual(
    told.operations.map(({ operation, count }) => [operation, count]),
    [
      ["orders.get", 1],
      ["orders.watch", 0],
      ["orders.load", 0],
    ],
  );
  equal(told.inFlight, 1, "the question itself is under way");
});

test("interceptors of handlers see the services given, not Trunkline's own", async () => {
  const seen: string[] = [];
  await using _app = await start("memory:reflection-around", {
    aroundHandler: [
      (next: (input: unknown, context: never) => unknown) =>
        (input: unknown, context: { operation: { name: string } }) => {
          seen.push(context.operation.name);
          return next(input, context as never);
        },
    ],
  });
  await using reflection = client(Reflection, "memory:reflection-around");
  await using shop = client(Orders, "memory:reflection-around");
  await reflection.describe();
  await shop.get("o-1");
  deepEqual(seen, ["orders.get"]);
});

test("who may come from another host gets no description unless it was asked for, but health", async () => {
  await using _app = await start("tcp://127.0.0.1:7401", far);
  await using reflection = client(Reflection, "tcp://127.0.0.1:7401", far);
  await rejects(reflection.describe(), { code: "UNIMPLEMENTED", executed: "no" });
  await using health = client(Health, "tcp://127.0.0.1:7401", far);
  deepEqual(await health.check({}), { serving: true });

  await using _open = await start("tcp://127.0.0.1:7402", { ...far, reflection: true });
  await using opened = client(Reflection, "tcp://127.0.0.1:7402", far);
  equal((await opened.describe()).name, "shop");
});

test("reflection can be switched off where it would be on", async () => {
  await using _app = await start("memory:reflection-off", { reflection: false });
  await using reflection = client(Reflection, "memory:reflection-off");
  await rejects(reflection.describe(), { code: "UNIMPLEMENTED" });
});

test("a contract cannot have a name of Trunkline's own", async () => {
  const Clash = contract("trunkline-health", { version: "9.0.0" }, { check: call({}) });
  await rejects(start("memory:clash", { serve: [serve(Clash, { check: () => {} })] }), (error) => {
    match((error as Error).message, /names that begin with "trunkline-" are Trunkline's own/);
    return true;
  });
});
