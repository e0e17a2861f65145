import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as z from "zod";
import { sleep } from "../base/alarm.ts";
import type { TrunklineError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Client } from "../call/client-type.ts";
import { serve, Services } from "../call/serve.ts";
import { serveOlder } from "../call/serve-older.ts";
import { contextWith } from "../call/served-context.ts";
import { storeKeys } from "../call/keys/store-keys.ts";
import { ModelDatabase } from "../call/keys/testing/model-store.ts";
import { call, contract, event } from "../contract/index.ts";
import { Incoming } from "../protocol/incoming.ts";
import { sqlite } from "../store/sqlite/index.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";
import { ProcessKeys } from "./keys.ts";

const errors = { BROKE: z.object({ missing: z.int() }) };
const pay = call({ in: z.string(), out: z.string(), idempotent: "by-key", errors });
const Bank = contract("bank", { version: "2.0.0" }, { pay });
const OldBank = contract("bank", { version: "1.0.0" }, { pay });

let places = 0;

interface World {
  readonly env: VirtualEnv;
  readonly database: ModelDatabase;
  readonly closing: (() => Promise<void>)[];
}

function worldOf(t: TestContext): World {
  const env = new VirtualEnv();
  const database = new ModelDatabase(env);
  const closing: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const close of closing) await close();
    equal(env.alarms, 0);
    equal(database.open, 0);
  });
  return { env, database, closing };
}

interface Replica {
  readonly bank: Client<typeof Bank>;
  readonly old: Client<typeof OldBank>;
  readonly began: string[];
}

/**
 * Pays in the database, and says what that was: `slow` takes a second, `broke` fails when it has paid, `bug` too, `busy` is refused the first
 * time, `heeds` takes a second and heeds its signal; `away` fails, and the database is not there then.
 */
async function replica({ env, database, closing }: World): Promise<Replica> {
  const address = `memory:transactional-${++places}`;
  const began: string[] = [];
  const service = bankIn(env, database, began);
  const app = await chassis({
    name: "bank",
    listen: address,
    signals: false,
    env,
    stop: { drain: 0 },
    serve: [service, serveOlder(OldBank, service, {})],
  });
  const bank = client(Bank, address, { env, retry: false });
  const old = client(OldBank, address, { env, retry: false });
  closing.push(async () => {
    await app.stop({ force: true });
    await bank[Symbol.asyncDispose]();
    await old[Symbol.asyncDispose]();
  });
  return { bank, old, began };
}

function bankIn(env: VirtualEnv, database: ModelDatabase, began: string[]) {
  return serve(
    Bank,
    {
      pay: async (input, { tx, errors: { BROKE }, refuse, signal }) => {
        began.push(input);
        if (input === "busy" && began.length === 1) throw refuse("UNAVAILABLE", "not now");
        tx.effects.push(input);
        if (input === "slow" || input === "heeds") await sleep(env, 1_000);
        if (input === "heeds") signal.throwIfAborted();
        if (input === "away") database.faults.push("begin");
        if (input === "broke" || input === "away") throw BROKE({ missing: 3 });
        if (input === "bug") throw new Error("a bug");
        return `${input} ${began.length}`;
      },
    },
    { store: database.store() },
  );
}

async function failure(given: Promise<unknown>): Promise<TrunklineError> {
  try {
    await given;
  } catch (error) {
    return error as TrunklineError;
  }
  throw new Error("it did not fail");
}

const one = { idempotencyKey: "one" };

test("key, effect and answer are committed together, and known to every replica", async (t) => {
  const world = worldOf(t);
  const [a, b] = [await replica(world), await replica(world)];
  equal(await a.bank.pay("a", one), "a 1");
  equal(await b.bank.pay("a", one), "a 1");
  const other = await failure(b.bank.pay("b", one));
  deepEqual([other.code, other.executed], ["INVALID_ARGUMENT", "no"]);
  deepEqual([a.began, b.began, world.database.effects], [["a"], [], ["a"]]);
});

test("who comes while another replica is at it waits for its commit, and not in the database", async (t) => {
  const world = worldOf(t);
  const [a, b] = [await replica(world), await replica(world)];
  const first = a.bank.pay("slow", one);
  await sleep(world.env, 100);
  const second = b.bank.pay("slow", one);
  await sleep(world.env, 500);
  let alone = 0;
  for (let i = 0; i < 100; i++) {
    await sleep(world.env, 3);
    if (world.database.open === 1) alone++;
  }
  ok(alone > 80, `in ${alone} of 100 looks there was only the transaction that works`);
  equal(await second, "slow 1");
  equal(await first, "slow 1");
  deepEqual([b.began, world.database.effects], [[], ["slow"]]);
});

test("… as long as his deadline allows, and not for ever", async (t) => {
  const world = worldOf(t);
  const [a, b] = [await replica(world), await replica(world)];
  const first = a.bank.pay("slow", one);
  await sleep(world.env, 100);
  const late = await failure(b.bank.pay("slow", { ...one, deadline: "300ms" }));
  equal(late.executed, "maybe");
  await first;
  world.database.held.add([...world.database.keys.keys()].at(-1)!);
  world.database.keys.delete([...world.database.held][0]!); // somebody who does not end has it
  const from = world.env.now();
  const error = await failure(b.bank.pay("slow", one));
  deepEqual([error.code, error.executed], ["UNAVAILABLE", "maybe"]);
  ok(world.env.now() - from <= 2_100);
  deepEqual(b.began, []);
});

test("a declared error leaves nothing but itself, and is told again as it was", async (t) => {
  const world = worldOf(t);
  const [a, b] = [await replica(world), await replica(world)];
  for (const { bank } of [a, b, a]) {
    const broke = await failure(bank.pay("broke", one));
    deepEqual([broke.code, broke.executed, broke.data], ["BROKE", "yes", { missing: 3 }]);
  }
  const bugs = [
    await failure(a.bank.pay("bug", { idempotencyKey: "bug" })),
    await failure(b.bank.pay("bug", { idempotencyKey: "bug" })),
  ];
  deepEqual([bugs[1]!.code, bugs[1]!.executed, bugs[1]!.id], ["INTERNAL", "yes", bugs[0]!.id]);
  deepEqual([a.began, b.began, world.database.effects], [["broke", "bug"], [], []]);
});

test("replicas that fail with a key at once tell one failure", async (t) => {
  const world = worldOf(t);
  const [a, b] = [await replica(world), await replica(world)];
  const both = await Promise.all(
    [a, b].map(({ bank }) => failure(bank.pay("bug", { idempotencyKey: "bug" }))),
  );
  equal(both[0]!.id, both[1]!.id);
  deepEqual(world.database.effects, []);
});

test("an error that could not be kept is told all the same, and leaves the key free", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  for (let i = 0; i < 2; i++) equal((await failure(a.bank.pay("away", one))).code, "BROKE");
  deepEqual(a.began, ["away", "away"]);
});

test("what was refused before any work, or cut short, leaves nothing: the next one runs", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  equal((await failure(a.bank.pay("busy", one))).executed, "no");
  equal(await a.bank.pay("busy", one), "busy 2");
  const two = { idempotencyKey: "two" };
  await failure(a.bank.pay("heeds", { ...two, deadline: "200ms" }));
  await sleep(world.env, 2_000);
  equal(await a.bank.pay("heeds", two), "heeds 4");
  deepEqual(world.database.effects, ["busy", "heeds"]);
});

test("a transaction that the database has rolled back runs again by itself, three times in all", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  world.database.faults.push("conflict", "conflict");
  equal(await a.bank.pay("a", one), "a 3");
  world.database.faults.push("conflict", "conflict", "conflict");
  const error = await failure(a.bank.pay("b", { idempotencyKey: "two" }));
  deepEqual([error.code, error.executed], ["UNAVAILABLE", "maybe"]);
  equal(a.began.length, 6);
  equal(await a.bank.pay("b", { idempotencyKey: "two" }), "b 7");
  deepEqual(world.database.effects, ["a", "b"]);
});

test("when it is not known whether it was committed, its key says so before it is answered", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  world.database.faults.push("lost");
  equal(await a.bank.pay("a", one), "a 1");
  world.database.faults.push("undone");
  equal(await a.bank.pay("b", { idempotencyKey: "two" }), "b 3");
  deepEqual(
    [a.began, world.database.effects],
    [
      ["a", "b", "b"],
      ["a", "b"],
    ],
  );
  world.database.faults.push("undone", "undone", "lost"); // the last time it may run
  equal(await a.bank.pay("c", { idempotencyKey: "three" }), "c 6");
  deepEqual(world.database.effects, ["a", "b", "c"]);
});

test("a database that is away says no before the handler has begun, and maybe after that", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  world.database.faults.push("begin");
  const away = await failure(a.bank.pay("a", one));
  deepEqual([away.code, away.executed], ["UNAVAILABLE", "no"]);
  world.database.faults.push("claim"); // somebody may have the key
  equal((await failure(a.bank.pay("a", one))).executed, "maybe");
  deepEqual(a.began, []);
  world.database.faults.push("undone", "begin");
  const later = await failure(a.bank.pay("a", one));
  deepEqual([later.code, later.executed], ["UNAVAILABLE", "maybe"]);
  deepEqual([a.began, world.database.effects], [["a"], []]);
});

test("who has given up before its handler began is not worked for", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  const controller = new AbortController();
  const first = failure(a.bank.pay("a", { ...one, signal: controller.signal }));
  await sleep(world.env, 1); // on its way into a transaction
  controller.abort();
  equal((await first).code, "CANCELLED");
  await sleep(world.env, 100);
  deepEqual(a.began, []);
  equal(await a.bank.pay("a", one), "a 1");
});

test("who has joined somebody that gave up before the handler began takes his turn", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  const controller = new AbortController();
  const first = failure(a.bank.pay("a", { ...one, signal: controller.signal }));
  const second = a.bank.pay("a", one);
  await sleep(world.env, 1); // on their way into a transaction
  controller.abort();
  equal((await first).code, "CANCELLED");
  equal(await second, "a 1");
  deepEqual(world.database.effects, ["a"]);
});

test("an older version runs in the transaction of the newer one that serves it", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  for (let i = 0; i < 2; i++) equal(await a.old.pay("a", one), "a 1");
  deepEqual(world.database.effects, ["a"]);
});

test("who gives no key runs in a transaction too, as the figures of the operation say", async (t) => {
  const { env, database } = worldOf(t);
  const began: string[] = [];
  const keys = storeKeys(database.store())(env);
  const context = contextWith({ tx: ({ within }) => within?.transaction.native });
  const options = { interceptors: [], checkSent: true, context, keysIn: () => keys };
  const services = new Services([bankIn(env, database, began)], options, env);
  const peer = { address: "test:", sameHost: false };
  deepEqual(
    services.stats().map(({ transactional }) => transactional),
    ["model:"],
  );
  for (const input of ["a", "bug"]) {
    const incoming = new Incoming(peer, Infinity, Infinity, undefined, undefined, {}, env.now());
    const answer = services.find("bank", 2, "pay")!.handle(input, incoming);
    if (input === "a") equal(await answer, "a 1");
    else await rejects(async () => answer, { code: "INTERNAL" });
  }
  deepEqual(database.effects, ["a"]);
});

test("keys that nobody is to remember cannot be kept in a store", async () => {
  const env = new VirtualEnv();
  const service = bankIn(env, new ModelDatabase(env), []);
  await rejects(chassis({ name: "bank", signals: false, env, keys: false, serve: [service] }), {
    message: /bank has a store/,
  });
  equal(env.alarms, 0);
});

test("what a handler publishes is in the outbox with its key, and not when it fails", async (t) => {
  const Shop = contract(
    "shop",
    { version: "1.0.0" },
    { buy: pay, bought: event({ data: z.string() }) },
  );
  const db = sqlite(":memory:");
  t.after(() => db.close());
  await db.migrate();
  const address = `memory:transactional-${++places}`;
  await using _app = await chassis({
    name: "shop",
    listen: address,
    signals: false,
    messages: "memory:",
    relay: false,
    serve: [
      serve(
        Shop,
        {
          buy: async (what, { publish, errors: { BROKE } }) => {
            await publish(Shop.bought, what);
            await publish.bought(what);
            if (what === "a castle") throw BROKE({ missing: 1 });
            return what;
          },
        },
        { store: db },
      ),
    ],
  });
  await using shop = client(Shop, address, { retry: false });
  equal((await failure(shop.buy("a castle", one))).code, "BROKE");
  equal((await db.outbox.status(1)).pending, 0);
  for (let i = 0; i < 2; i++)
    equal(await shop.buy("a kettle", { idempotencyKey: "2" }), "a kettle");
  equal((await db.outbox.status(1)).pending, 2);
});

test("instances have the name of a store only where all their services keep their keys in stores", async () => {
  const env = new VirtualEnv();
  const Other = contract("other", { version: "1.0.0" }, { pay });
  const bank = bankIn(env, new ModelDatabase(env), []);
  const other = serve(Other, { pay: (input) => input });
  const nameOf = async (...given: ConstructorParameters<typeof ProcessKeys>): Promise<string> => {
    const keys = new ProcessKeys(...given);
    await keys.open();
    await keys.close();
    return keys.name ?? "none";
  };
  const name = await nameOf(undefined, [bank], env);
  ok(name.startsWith("sqlite-"), name);
  equal(await nameOf(undefined, [bank, other], env), "none");
  equal(await nameOf(undefined, [other], env), "none");
  equal(await nameOf(storeKeys(bank.terms!.store!), [bank, other], env), name);
  const apart = storeKeys(new ModelDatabase(env).store(), { name: "apart" });
  equal(await nameOf(apart, [bank, other], env), `apart+${name}`);
  equal(env.alarms, 0);
});
