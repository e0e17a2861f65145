import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as z from "zod";
import { sleep } from "../base/alarm.ts";
import type { TrunklineError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Client } from "../call/client-type.ts";
import { storeKeys, type StoreKeysOptions } from "../call/keys/store-keys.ts";
import { ModelDatabase } from "../call/keys/testing/model-store.ts";
import { serve } from "../call/serve.ts";
import { bytes, call, contract } from "../contract/index.ts";
import type { KeyRows } from "../store/key-rows.ts";
import type { Store } from "../store/store.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Bank = contract(
  "bank",
  { version: "1.0.0" },
  {
    pay: call({
      in: z.string(),
      out: z.string(),
      idempotent: "by-key",
      errors: { BROKE: z.object({ missing: z.int() }) },
    }),
    scan: call({ in: bytes(), out: bytes(), idempotent: "by-key" }),
    forget: call({ in: z.string(), idempotent: "by-key" }),
  },
);

let places = 0;

/** A database, and what is closed at the end: then nothing may be left to be done. */
interface World {
  readonly env: VirtualEnv;
  readonly database: ModelDatabase;
  readonly closing: (() => Promise<void>)[];
}

function worldOf(t: TestContext): World {
  const env = new VirtualEnv();
  const closing: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const close of closing) await close();
    equal(env.alarms, 0);
  });
  return { env, database: new ModelDatabase(env), closing };
}

interface Replica {
  readonly bank: Client<typeof Bank>;
  /** Inputs of handlers that have begun. */
  readonly began: string[];
}

/** What is paid says what becomes of it: `slow` takes a second, `slower` a minute, `broke` fails. */
async function replica(
  { env, database, closing }: World,
  options?: StoreKeysOptions,
  store: Store = database.store(),
): Promise<Replica> {
  const address = `memory:store-keys-${++places}`;
  const began: string[] = [];
  const app = await chassis({
    name: "bank",
    listen: address,
    signals: false,
    env,
    keys: storeKeys(store, options),
    stop: { drain: 0 },
    serve: [
      serve(Bank, {
        pay: async (input, { errors, signal }) => {
          began.push(input);
          if (input === "broke") throw errors.BROKE({ missing: 3 });
          if (input === "slow") await sleep(env, 1_000);
          if (input === "slower") await sleep(env, 60_000);
          signal.throwIfAborted();
          return `${input} ${began.length}`;
        },
        scan: (input) => {
          began.push(String(input.length));
          return input;
        },
        forget: (input) => void began.push(input),
      }),
    ],
  });
  const bank = client(Bank, address, { env, retry: false });
  closing.push(async () => {
    await app.stop({ force: true });
    await bank[Symbol.asyncDispose]();
  });
  return { bank, began };
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

test("what one replica has done under a key another one does not do again", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  const b = await replica(world);
  equal(await a.bank.pay("a", one), "a 1");
  equal(await b.bank.pay("a", one), "a 1");
  const scanned = Uint8Array.of(0, 1, 255);
  await a.bank.scan(scanned, one);
  deepEqual([...(await b.bank.scan(scanned, one))], [0, 1, 255]);
  await a.bank.forget("f", one);
  equal(await b.bank.forget("f", one), undefined);
  for (const { bank } of [a, b]) {
    const broke = await failure(bank.pay("broke", { idempotencyKey: "two" }));
    deepEqual([broke.code, broke.executed, broke.data], ["BROKE", "yes", { missing: 3 }]);
  }
  const other = await failure(b.bank.pay("b", one));
  deepEqual([other.code, other.executed], ["INVALID_ARGUMENT", "no"]);
  deepEqual([a.began, b.began], [["a", "3", "f", "broke"], []]);
});

test("who comes to another replica while the work runs waits for it a little", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  const b = await replica(world);
  const first = a.bank.pay("slow", one);
  await sleep(world.env, 100);
  equal(await b.bank.pay("slow", one), "slow 1");
  equal(await first, "slow 1");
  deepEqual(b.began, []);
});

test("… and no longer than that, or than his deadline: then he does not know", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  const b = await replica(world);
  const first = a.bank.pay("slower", { ...one, deadline: "2m" });
  await sleep(world.env, 100);
  const from = world.env.now();
  const error = await failure(b.bank.pay("slower", one));
  deepEqual([error.code, error.executed], ["UNAVAILABLE", "maybe"]);
  ok(world.env.now() - from <= 2_000);
  const late = await failure(b.bank.pay("slower", { ...one, deadline: "300ms" }));
  equal(late.executed, "maybe");
  equal(await first, "slower 1");
  deepEqual(b.began, []);
});

/** A store whose process dies at will: nothing that it says reaches the database any more. */
function mortal(store: Store): { readonly store: Store; dies(): void } {
  let dead = false;
  const keys = new Proxy(store.keys, {
    get: (rows, name) => {
      const act = rows[name as keyof KeyRows] as (...given: unknown[]) => Promise<unknown>;
      return async (...given: unknown[]) => {
        if (dead) throw new Error("this process is dead");
        return act.apply(rows, given);
      };
    },
  });
  const own = Object.create(store, { keys: { value: keys } }) as Store;
  return { store: own, dies: () => (dead = true) };
}

test("what a process had begun when it died answers maybe, and never runs again by itself", async (t) => {
  const world = worldOf(t);
  const { store, dies } = mortal(world.database.store());
  const a = await replica(world, {}, store);
  const b = await replica(world);
  const first = a.bank.pay("slow", one);
  await sleep(world.env, 100);
  dies();
  equal((await failure(b.bank.pay("slow", { ...one, deadline: "300ms" }))).executed, "maybe");
  await sleep(world.env, 10_000); // its lease
  for (let i = 0; i < 2; i++) {
    const orphan = await failure(b.bank.pay("slow", one));
    deepEqual([orphan.code, orphan.executed], ["UNKNOWN", "maybe"]);
  }
  equal(await first, "slow 1");
  deepEqual(b.began, []);
});

test("work that takes longer than a lease is nobody else's while its process lives", async (t) => {
  const world = worldOf(t);
  const a = await replica(world);
  const b = await replica(world);
  const first = a.bank.pay("slower", { ...one, deadline: "2m" });
  await sleep(world.env, 50_000);
  equal((await failure(b.bank.pay("slower", one))).code, "UNAVAILABLE");
  equal(await first, "slower 1");
  equal(await b.bank.pay("slower", one), "slower 1");
});

test("keys are forgotten some time after their work has ended, or after it has become nobody's", async (t) => {
  const world = worldOf(t);
  const { store, dies } = mortal(world.database.store());
  const a = await replica(world, { ttlMs: 60_000 }, store);
  const b = await replica(world, { ttlMs: 60_000 });
  await b.bank.pay("a", one);
  void a.bank.pay("slow", { idempotencyKey: "two" });
  await sleep(world.env, 100);
  dies();
  await sleep(world.env, 58_000);
  equal(await b.bank.pay("a", one), "a 1");
  equal((await failure(b.bank.pay("slow", { idempotencyKey: "two" }))).code, "UNKNOWN");
  await sleep(world.env, 5_000);
  equal(await b.bank.pay("a", one), "a 2");
  equal(await b.bank.pay("slow", { idempotencyKey: "two" }), "slow 3");
});

test("an answer of too many bytes is told to have been given", async (t) => {
  const world = worldOf(t);
  const a = await replica(world, { answerBytesMax: 10 });
  const b = await replica(world, { answerBytesMax: 10 });
  const scanned = new Uint8Array(11);
  equal((await a.bank.scan(scanned, one)).length, 11);
  const error = await failure(b.bank.scan(scanned, one));
  deepEqual([error.code, error.executed], ["RESOURCE_EXHAUSTED", "yes"]);
  ok(error.message.includes("11 bytes"));
  deepEqual(b.began, []);
});

test("a database is called by one name by all who use it, and no other one by that", async (t) => {
  const world = worldOf(t);
  const { env, database, closing } = world;
  const named = async (store: Store, options?: StoreKeysOptions): Promise<string | undefined> => {
    const keys = storeKeys(store, options)(env);
    closing.push(() => keys.close!());
    await keys.open!();
    return keys.name;
  };
  const [first, second] = await Promise.all([named(database.store()), named(database.store())]);
  ok(first !== undefined);
  equal(second, first);
  notEqual(await named(new ModelDatabase(env).store()), first);
  equal(await named(database.store(), { name: "mine" }), "mine");
  await named(database.store(), { ttlMs: 1_000 });
  await sleep(world.env, 20_000); // longer than any key is known
  equal(await named(database.store()), first);
});

test("terms that cannot be meant are refused", () => {
  const store = new ModelDatabase(new VirtualEnv()).store();
  for (const options of [{ leaseMs: 10 }, { ttlMs: 0 }, { answerBytesMax: 2_000_000 }])
    throws(() => storeKeys(store, options), { code: "INVALID_ARGUMENT", executed: "no" });
});
