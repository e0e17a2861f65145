import assert, { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import * as z from "zod";
import { call, contract, stream } from "../contract/index.ts";
import type { Instance } from "../discovery/discovery.ts";
import { memory, MemoryRegistry } from "../discovery/memory/index.ts";
import { realEnv } from "../base/real-env.ts";
import { serve } from "../call/serve.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client, stateOf } from "./client.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    who: call({ in: z.string(), out: z.string(), idempotent: true }),
    act: call({ in: z.string(), out: z.string() }),
    settle: call({ in: z.string(), out: z.string(), idempotent: "by-key" }),
    items: stream({ in: z.string(), out: z.string() }),
  },
);

interface Replica {
  readonly app: Chassis;
  readonly instance: Instance;
  acts: number;
  /** Resolves when a call has begun that never ends. */
  readonly begun: PromiseWithResolvers<void>;
}

async function replica(name: string, terms: Partial<Instance> = {}): Promise<Replica> {
  const found = { acts: 0, begun: Promise.withResolvers<void>() };
  const app = await chassis({
    name,
    listen: `memory:${name}`,
    signals: false,
    serve: [
      serve(Desk, {
        who: async (what, { lane }) => {
          if (what === `fail at ${name}`) throw new Error("as asked");
          if (what === `wait at ${name}`) await new Promise<void>(() => {});
          return `${name}${lane === undefined ? "" : ` in ${lane}`}`;
        },
        act: async () => `${name} ${++found.acts}`,
        settle: (what, { refuse }) => {
          if (what === `not at ${name}`) throw refuse("UNAVAILABLE", "not here");
          if (what.startsWith("not at")) return name;
          found.acts++;
          found.begun.resolve();
          return new Promise<string>(() => {});
        },
        async *items(what, { signal }) {
          yield name;
          yield "more";
          if (what === "endless")
            await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        },
      }),
    ],
  });
  const instance: Instance = {
    id: name,
    bootId: app.instance,
    contracts: ["desk@1"],
    addresses: [`memory:${name}`],
    state: "ready",
    ...terms,
  };
  return Object.assign(found, { app, instance });
}

test("a service is found by its name, and its instances share the calls", async () => {
  await using discovery = memory(new MemoryRegistry());
  const env = realEnv();
  const a = await replica("found-a");
  const b = await replica("found-b");
  await using desk = client(Desk, "service:desk", { discovery });
  const early = desk.who("waits for the first instance");
  await discovery.register(a.instance, {}, env);
  equal(await early, "found-a");
  await discovery.register(b.instance, {}, env);
  const seen = new Set<string>();
  while (seen.size < 2) seen.add(await desk.who("x"));
  deepEqual([...seen].toSorted(), ["found-a", "found-b"]);
  deepEqual(
    stateOf(desk).endpoints.map(({ id, state, rung }) => [id, state, rung]),
    [
      ["found-a", "ready", 0],
      ["found-b", "ready", 0],
    ],
  );
  await Promise.all([a.app.stop(), b.app.stop()]);
});

test("when an instance is gone the others answer, whatever the kind", async () => {
  await using discovery = memory(new MemoryRegistry());
  const env = realEnv();
  const replicas = [await replica("gone-a"), await replica("gone-b"), await replica("gone-c")];
  for (const { instance } of replicas) await discovery.register(instance, {}, env);
  await using desk = client(Desk, "service:desk", { discovery });
  for (let i = 0; i < 30; i++) await desk.who("warm");
  await replicas[1]!.app.stop({ force: true });
  for (let i = 0; i < 60; i++) {
    ok((await desk.who("x")) !== "gone-b");
    ok(!(await desk.act("x")).startsWith("gone-b"));
    const items: string[] = [];
    for await (const item of desk.items("x")) items.push(item);
    equal(items.length, 2);
  }
  await Promise.all(replicas.map(({ app }) => app.stop()));
});

test("what perhaps ran at an instance that is gone may have run, whatever becomes of the tries after it", async () => {
  await using discovery = memory(new MemoryRegistry());
  const env = realEnv();
  const both = [await replica("one"), await replica("other")];
  const leases = await Promise.all(
    both.map(({ instance }) => discovery.register(instance, {}, env)),
  );
  await using desk = client(Desk, "service:desk", { discovery });
  const seen = new Set<string>(); // whose lives these are is known once they have answered
  while (seen.size < 2) seen.add(await desk.who("x"));
  const settled = desk.settle.result("x");
  const first = await Promise.race(both.map(({ begun }, index) => begun.promise.then(() => index)));
  const [dies, lives] = [both[first]!, both[1 - first]!];
  // The other one may not be asked, because it does not know the key; and the one that does is soon not even registered.
  await dies.app.stop({ force: true });
  await leases[first]!.close();
  const result = await settled;
  ok(!result.ok);
  equal(result.error.executed, "maybe");
  deepEqual([dies.acts, lives.acts], [1, 0]);
  await lives.app.stop();
});

test("what certainly did not run goes elsewhere, by key too", async () => {
  await using discovery = memory(new MemoryRegistry());
  const both = [await replica("here"), await replica("there")];
  for (const { instance } of both) await discovery.register(instance, {}, realEnv());
  await using desk = client(Desk, "service:desk", { discovery });
  for (let i = 0; i < 20; i++) equal(await desk.settle("not at here"), "there");
  await Promise.all(both.map(({ app }) => app.stop()));
});

test("what may run twice is asked of one whose breaker is open, when the other one says nothing", async () => {
  await using discovery = memory(new MemoryRegistry());
  const [shut, silent] = [await replica("shut"), await replica("silent")];
  for (const { instance } of [shut, silent]) await discovery.register(instance, {}, realEnv());
  await using desk = client(Desk, "service:desk", { discovery });
  const isShut = (): boolean =>
    stateOf(desk).endpoints.some(({ id, breaker }) => id === "shut" && breaker === "open");
  const hear = (): void => {}; // the exceptions of this test are no incidents
  subscribe("trunkline:incident", hear);
  // All at once: whoever is known to fail is asked no more.
  await Promise.all(Array.from({ length: 40 }, () => desk.who.result("fail at shut")));
  unsubscribe("trunkline:incident", hear);
  ok(isShut());
  equal(await desk.who("wait at silent", { deadline: "1s" }), "shut");
  await Promise.all([shut, silent].map(({ app }) => app.stop({ force: true })));
});

test("a failure says which instance failed, of calls and in the middle of streams", async () => {
  await using discovery = memory(new MemoryRegistry());
  const told = await replica("told");
  await discovery.register(told.instance, {}, realEnv());
  await using desk = client(Desk, "service:desk", { discovery, retry: false });
  const items = desk.items("endless");
  await items.next();
  const settled = desk.settle.result("x");
  await told.begun.promise;
  await told.app.stop({ force: true });
  const result = await settled;
  ok(!result.ok);
  equal(result.error.endpoint, "memory:told");
  await rejects(
    async () => {
      for await (const _ of items);
    },
    { endpoint: "memory:told" },
  );
});

test("a lane has its own instances, and none of another's", async () => {
  await using discovery = memory(new MemoryRegistry());
  const env = realEnv();
  const main = await replica("lane-main");
  const blue = await replica("lane-blue", { lane: "blue" });
  await discovery.register(main.instance, {}, env);
  await discovery.register(blue.instance, {}, env);
  await using desk = client(Desk, "service:desk", { discovery });
  for (let i = 0; i < 20; i++) {
    equal(await desk.who("x"), "lane-main");
    equal(await desk.who("x", { lane: "blue" }), "lane-blue in blue");
  }
  await using hasty = client(Desk, "service:desk", { discovery, connectWait: "50ms" });
  await rejects(hasty.who("x", { lane: "green" }), (error: Error) => {
    assert.match(error.message, /no instance of desk@1 in the lane "green" is known/);
    return true;
  });
  await Promise.all([main.app.stop(), blue.app.stop()]);
});

test("a service that nobody serves is told as such, in time", async () => {
  await using desk = client(Desk, "service:desk", {
    discovery: memory(new MemoryRegistry()),
    connectWait: "30ms",
  });
  await rejects(desk.act("x"), { code: "UNAVAILABLE", executed: "no" });
  assert.throws(() => client(Desk, "service:orders", { discovery: memory(new MemoryRegistry()) }), {
    code: "INVALID_ARGUMENT",
  });
});

test("options that cannot be meant are refused before anybody is looked for", async () => {
  await using registry = memory(new MemoryRegistry());
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ retry: true }, /retry is true/],
    [{ retry: { budget: { ratio: -1 } } }, /retry budget ratio is -1/],
    [{ operations: { who: { retry: 3 } } }, /operations\.who\.retry is 3/],
    [{ operations: { whom: {} } }, /operations\.whom: desk has no such operation/],
    [{ hedge: { ratio: 1 } }, /hedge\.delay is undefined/],
    [{ hedge: { delay: "p95", ratio: -1 } }, /hedge\.ratio is -1/],
    [{ limit: { endpoint: { min: 10, max: 5 } } }, /limit max is 5/],
    [{ breaker: true }, /breaker is true/],
    [{ breaker: { successRate: 80 } }, /breaker successRate is 80/],
    [{ breaker: { scope: "everywhere" } }, /breaker\.scope is "everywhere"/],
    [{ breaker: { quorum: 1 } }, /breaker quorum is 1/],
    [{ attemptTimeout: 0 }, /attemptTimeout is 0/],
    [{ evidence: "foo" }, /evidence: "foo" names no registry/],
    [{ balance: "p2c" }, /balance is not a function/],
    [{ lane: "" }, /a lane has 1 to 64/],
  ];
  let watched = 0;
  const discovery: typeof registry = Object.assign(Object.create(registry), {
    watch: (...of: Parameters<typeof registry.watch>) => {
      watched++;
      return registry.watch(...of);
    },
  });
  for (const [options, reason] of wrong) {
    const refused = { code: "INVALID_ARGUMENT", executed: "no", reason };
    assert.throws(() => client(Desk, "service:desk", { ...options, discovery }), refused);
  }
  equal(watched, 0);
});

test("who finds nobody is told where this client looks", async () => {
  const asked = async (discovery: string): Promise<string> => {
    const terms = { discovery, connectWait: "1ms", retry: false } as const;
    await using desk = client(Desk, "service:desk", terms);
    const result = await desk.who.result("x");
    return result.ok ? "" : result.error.message;
  };
  assert.match(await asked("memory:"), /where this client looks: memory:$/);
  assert.match(await asked("static:elsewhere"), /look at what static:elsewhere lists$/);
  const silent = await asked("registry+memory:nobody-answers");
  assert.match(
    silent,
    /is known, (because the registry has not answered yet|and the registry does not answer)/,
  );
});
