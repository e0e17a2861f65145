import { deepEqual, equal, ok } from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as z from "zod";
import { sleep } from "../base/alarm.ts";
import type { TrunklineError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Client } from "../call/client-type.ts";
import type { Claim, Ending, KeyStore } from "../call/keys/key-store.ts";
import { memoryKeys, type KeyStoreFactory } from "../call/keys/memory-keys.ts";
import { serve } from "../call/serve.ts";
import { bytes, call, contract } from "../contract/index.ts";
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
  },
);

interface Scene {
  readonly env: VirtualEnv;
  readonly bank: Client<typeof Bank>;
  /** Inputs of handlers that have begun. */
  readonly began: string[];
}

let places = 0;

/** What is paid says what becomes of it: `slow` takes a second, `broke` and `bug` fail, `busy` is refused the first time. */
async function scene(t: TestContext, keys?: KeyStoreFactory | false): Promise<Scene> {
  const env = new VirtualEnv();
  const address = `memory:bank-${++places}`;
  const began: string[] = [];
  const app = await chassis({
    name: "bank",
    listen: address,
    signals: false,
    env,
    ...(keys === undefined ? {} : { keys }),
    stop: { drain: 0 },
    serve: [
      serve(Bank, {
        pay: async (input, { errors, signal, refuse }) => {
          began.push(input);
          if (input === "broke") throw errors.BROKE({ missing: 3 });
          if (input === "bug") throw new Error("a bug");
          if (input === "busy" && began.length === 1) throw refuse("UNAVAILABLE", "not now");
          if (input === "slow") await sleep(env, 1_000);
          signal.throwIfAborted();
          return `${input} ${began.length}`;
        },
        scan: (input) => {
          began.push(String(input.length));
          return input;
        },
      }),
    ],
  });
  const bank = client(Bank, address, { env, retry: false });
  t.after(async () => {
    await app.stop({ force: true });
    await bank[Symbol.asyncDispose]();
    equal(env.alarms, 0);
  });
  return { env, bank, began };
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

test("who comes again with a key gets the answer of the first, and nothing is done twice", async (t) => {
  const { bank, began } = await scene(t);
  equal(await bank.pay("a", one), "a 1");
  equal(await bank.pay("a", one), "a 1");
  equal(await bank.pay("a", { idempotencyKey: "two" }), "a 2");
  equal(await bank.pay("a"), "a 3"); // a key of its own
  const scanned = Uint8Array.of(1, 2, 3);
  for (let i = 0; i < 2; i++) deepEqual([...(await bank.scan(scanned, one))], [1, 2, 3]);
  deepEqual(began, ["a", "a", "a", "3"]);
});

test("who comes while the first is at work joins it", async (t) => {
  const { bank, began } = await scene(t);
  const all = [bank.pay("slow", one), bank.pay("slow", one), bank.pay("slow", one)];
  deepEqual(await Promise.all(all), ["slow 1", "slow 1", "slow 1"]);
  deepEqual(began, ["slow"]);
});

test("that the first has given up does not stop what others have joined, or come back for", async (t) => {
  const { env, bank, began } = await scene(t);
  const controller = new AbortController();
  const first = failure(bank.pay("slow", { ...one, signal: controller.signal }));
  await sleep(env, 100);
  const joined = bank.pay("slow", one);
  controller.abort();
  equal((await first).code, "CANCELLED");
  equal(await joined, "slow 1");
  equal(await bank.pay("slow", one), "slow 1");
  deepEqual(began, ["slow"]);
});

test("what all have given up who waited for it is stopped, and not begun again", async (t) => {
  const { env, bank, began } = await scene(t);
  const controller = new AbortController();
  const options = { ...one, signal: controller.signal };
  const all = [failure(bank.pay("slow", options)), failure(bank.pay("slow", options))];
  await sleep(env, 100);
  controller.abort();
  for (const error of await Promise.all(all)) equal(error.code, "CANCELLED");
  const again = await failure(bank.pay("slow", one));
  deepEqual([again.code, again.executed], ["UNKNOWN", "maybe"]);
  deepEqual(began, ["slow"]);
});

test("who has joined waits no longer than its own deadline, and does not know then", async (t) => {
  const { env, bank } = await scene(t);
  const first = bank.pay("slow", one);
  await sleep(env, 100);
  const late = await failure(bank.pay("slow", { ...one, deadline: "200ms" }));
  deepEqual([late.code, late.executed], ["DEADLINE_EXCEEDED", "maybe"]);
  equal(await first, "slow 1");
});

test("a failure that was the work's own is told again as it was", async (t) => {
  const { bank, began } = await scene(t);
  for (let i = 0; i < 2; i++) {
    const broke = await failure(bank.pay("broke", one));
    deepEqual([broke.code, broke.executed, broke.data], ["BROKE", "yes", { missing: 3 }]);
  }
  const bugs = [
    await failure(bank.pay("bug", { idempotencyKey: "bug" })),
    await failure(bank.pay("bug", { idempotencyKey: "bug" })),
  ];
  deepEqual([bugs[1]!.code, bugs[1]!.executed, bugs[1]!.id], ["INTERNAL", "yes", bugs[0]!.id]);
  deepEqual(began, ["broke", "bug"]);
});

test("what was refused before it began is forgotten: the next one runs", async (t) => {
  const { bank, began } = await scene(t);
  equal((await failure(bank.pay("busy", one))).executed, "no");
  equal(await bank.pay("busy", one), "busy 2");
  deepEqual(began, ["busy", "busy"]);
});

test("what its deadline has cut short is not begun again: nobody knows how far it came", async (t) => {
  const { env, bank, began } = await scene(t);
  await failure(bank.pay("slow", { ...one, deadline: "200ms" }));
  await sleep(env, 2_000);
  const again = await failure(bank.pay("slow", one));
  deepEqual([again.code, again.executed], ["UNKNOWN", "maybe"]);
  deepEqual(began, ["slow"]);
});

test("a key that was used for another input is refused, also while the first runs", async (t) => {
  const { bank, began } = await scene(t);
  const first = bank.pay("slow", one);
  for (const wait of [undefined, first]) {
    await wait;
    const error = await failure(bank.pay("other", one));
    deepEqual([error.code, error.executed], ["INVALID_ARGUMENT", "no"]);
  }
  deepEqual(began, ["slow"]);
});

test("keys are forgotten after their time, and the oldest when there are too many", async (t) => {
  const { env, bank } = await scene(t, memoryKeys({ keysMax: 3, ttlMs: 1_000 }));
  for (const key of ["1", "2", "3", "4"]) await bank.pay("a", { idempotencyKey: key });
  equal(await bank.pay("a", { idempotencyKey: "4" }), "a 4");
  equal(await bank.pay("a", { idempotencyKey: "1" }), "a 5");
  await sleep(env, 1_100);
  equal(await bank.pay("a", { idempotencyKey: "4" }), "a 6");
});

test("an answer that is too large to be kept is told to have been given", async (t) => {
  const { bank, began } = await scene(t, memoryKeys({ answerBytesMax: 100 }));
  const scanned = new Uint8Array(1_000);
  equal((await bank.scan(scanned, one)).length, 1_000);
  const error = await failure(bank.scan(scanned, one));
  deepEqual([error.code, error.executed], ["RESOURCE_EXHAUSTED", "yes"]);
  ok(error.message.includes("1000 bytes"));
  deepEqual(began, ["1000"]);
});

test("keys that are in use are never forgotten: further ones are refused", async (t) => {
  const { bank, began } = await scene(t, memoryKeys({ keysMax: 1 }));
  const first = bank.pay("slow", one);
  const error = await failure(bank.pay("a", { idempotencyKey: "two", deadline: "100ms" }));
  equal(error.executed, "no");
  equal(await first, "slow 1");
  deepEqual(began, ["slow"]);
});

test("a store that several processes share says what another one has done, and is at", async (t) => {
  const known = new Map<string, { input: string; ending?: Ending }>();
  const shared: KeyStoreFactory = (env): KeyStore => ({
    name: "shared",
    async claim(key, input): Promise<Claim> {
      await sleep(env, 1);
      const before = known.get(key);
      if (before?.ending !== undefined)
        return { state: "ended", input: before.input, ending: before.ending };
      if (before !== undefined) return { state: "running", input: before.input };
      known.set(key, { input });
      return { state: "new" };
    },
    keep: async (key, ending) => void known.set(key, { ...known.get(key)!, ending }),
    forget: async (key) => void known.delete(key),
  });
  const [a, b] = [await scene(t, shared), await scene(t, shared)];
  equal(await a.bank.pay("a", one), "a 1");
  equal(await b.bank.pay("a", one), "a 1");
  for (const entry of known.values()) delete entry.ending; // its process has died
  const orphan = await failure(b.bank.pay("a", { ...one, deadline: "300ms" }));
  equal(orphan.executed, "maybe");
  deepEqual([a.began, b.began], [["a"], []]);
});

test("a store that fails is no reason to do anything twice, or to tell an untruth", async (t) => {
  let failing: "claim" | "keep" | undefined = "claim";
  const shaky: KeyStoreFactory = (env) => {
    const store = memoryKeys()(env);
    return {
      claim: async (key, input) => {
        if (failing === "claim") throw new Error("no disk");
        return store.claim(key, input);
      },
      keep: async (key, ending) => {
        if (failing === "keep") throw new Error("no disk");
        await store.keep(key, ending);
      },
      forget: async (key) => store.forget(key),
    };
  };
  const { bank, began } = await scene(t, shaky);
  const refused = await failure(bank.pay("a", { ...one, deadline: "300ms" }));
  equal(refused.executed, "no");
  deepEqual(began, []);
  failing = "keep";
  equal(await bank.pay("a", { idempotencyKey: "two" }), "a 1");
  failing = undefined;
  const again = await failure(bank.pay("a", { idempotencyKey: "two", deadline: "300ms" }));
  equal(again.executed, "maybe");
  deepEqual(began, ["a"]);
});

test("without a store the handlers see to their keys themselves", async (t) => {
  const { bank, began } = await scene(t, false);
  await bank.pay("a", one);
  await bank.pay("a", one);
  deepEqual(began, ["a", "a"]);
});
