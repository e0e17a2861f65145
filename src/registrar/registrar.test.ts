import { deepEqual, equal, match, throws } from "node:assert/strict";
import { test } from "node:test";

import { sleep } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { serve } from "../call/serve.ts";
import { chassis, type Chassis } from "../chassis/chassis.ts";
import { call } from "../contract/call.ts";
import { contract } from "../contract/contract.ts";
import { plainSchema } from "../contract/plain-schema.ts";
import type { Instance } from "../discovery/discovery.ts";
import { memory, MemoryRegistry } from "../discovery/memory/index.ts";
import { Hearing } from "../discovery/suite/stage.ts";
import { registrar, type Registrar, type RegistrarEvent, type RegistrarOptions } from "./index.ts";
import type { Target, TargetSource } from "./target.ts";

const word = plainSchema<string>({ type: "string" });
const Orders = contract("orders", { version: "1.0.0" }, { place: call({ in: word, out: word }) });

/** Targets that a test tells as it likes. */
class Told implements TargetSource {
  readonly name = "told";
  tell: (targets: readonly Target[]) => void = () => {};
  problem: (reason: string) => void = () => {};
  closed = false;

  follow(tell: (targets: readonly Target[]) => void, problem: (reason: string) => void): void {
    this.tell = tell;
    this.problem = problem;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

class Stage implements AsyncDisposable {
  readonly env: Env = new VirtualEnv();
  readonly registry: MemoryRegistry = new MemoryRegistry();
  readonly heard: Hearing;
  readonly #client = memory(this.registry);
  readonly #registrars: Registrar[] = [];

  constructor() {
    this.heard = new Hearing(this.#client, "orders", this.env);
  }

  registrar(options: Partial<RegistrarOptions> = {}): {
    readonly source: Told;
    readonly events: RegistrarEvent[];
    readonly running: Registrar;
  } {
    const source = new Told();
    const events: RegistrarEvent[] = [];
    const running = registrar({
      discovery: memory(this.registry),
      sources: [source],
      onEvent: (event) => events.push(event),
      env: this.env,
      ...options,
    });
    this.#registrars.push(running);
    return { source, events, running };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#registrars.map((each) => each.close()));
    await this.#client.close();
    equal(this.env.alarms, 0, "alarms stay set");
  }
}

function target(id: string, given: Partial<Target> = {}): Target {
  const addresses = [`memory:${id}`];
  const named = { id, bootId: `boot-${id}`, contracts: ["orders@1"], addresses };
  return { ...named, check: "contract", ...given };
}

function orders(address: string, env: Env): Promise<Chassis> {
  return chassis({
    name: "orders",
    listen: [address],
    serve: [serve(Orders, { place: async (input: string) => input })],
    env,
  });
}

test("a target that is healthy is registered; one that is not is never", async () => {
  await using stage = new Stage();
  await using _ = await orders("memory:t1-a", stage.env);
  const { source, running } = stage.registrar();
  source.tell([target("t1-a"), target("t1-b")]);
  const { instances } = await stage.heard.ids("t1-a");
  deepEqual(instances, [
    {
      id: "t1-a",
      bootId: "boot-t1-a",
      contracts: ["orders@1"],
      addresses: ["memory:t1-a"],
      state: "ready",
    },
  ]);
  await sleep(stage.env, 60_000);
  deepEqual(Object.fromEntries(running.targets), { "t1-a": "registered", "t1-b": "waiting" });
});

test("three bad looks take it out, two good ones bring it back", async () => {
  await using stage = new Stage();
  const { source, events } = stage.registrar({ check: "5s" });
  let app = await orders("memory:t2", stage.env);
  source.tell([target("t2")]);
  await stage.heard.ids("t2");
  const registeredAt = stage.env.now();
  await app[Symbol.asyncDispose]();
  await stage.heard.ids();
  const outAfterMs = stage.env.now() - registeredAt;
  equal(outAfterMs >= 3 * 4_500, true, `out after ${outAfterMs} ms`);
  app = await orders("memory:t2", stage.env);
  const backFrom = stage.env.now();
  await stage.heard.ids("t2");
  equal(stage.env.now() - backFrom >= 4_500, true, "one good look was enough");
  await app[Symbol.asyncDispose]();
  deepEqual(
    events.map(({ what }) => what),
    ["registered", "out", "registered"],
  );
});

test("a target that is not there any more is taken out at once, and so is an older life of it", async () => {
  await using stage = new Stage();
  const { source, events } = stage.registrar();
  source.tell([target("a", { check: "none" }), target("b", { check: "none" })]);
  await stage.heard.ids("a", "b");
  source.tell([target("b", { check: "none", bootId: "second" })]);
  await stage.heard.until(
    ({ instances }) => instances.length === 1 && instances[0]!.bootId === "second",
  );
  await sleep(stage.env, 30_000);
  await stage.heard.ids("b");
  match(events.find(({ id }) => id === "a")!.what, /registered/);
  equal(events.filter(({ id, what }) => id === "a" && what === "out").length, 1);
});

test("what cannot be an instance is left out and reported, as are two of one name", async () => {
  await using stage = new Stage();
  const { source, events } = stage.registrar();
  const none = { check: "none" } as const;
  source.tell([target("a", none), target("a", none), target("b", { ...none, weight: -1 })]);
  await stage.heard.ids("a");
  const problems = events.filter(({ what }) => what === "problem").map(({ reason }) => reason);
  deepEqual(problems, [
    "there are two targets called a",
    "b: this is not an instance: its weight is not above 0",
  ]);
});

test("a registry that does not answer at first has it when it does, with the next look", async () => {
  await using stage = new Stage();
  stage.registry.interrupt();
  const { source, events } = stage.registrar();
  source.tell([target("a", { check: "none" })]);
  await sleep(stage.env, 12_000);
  equal(events[0]?.what, "failed");
  stage.registry.restore();
  await stage.heard.ids("a");
});

test("a registrar that stops takes everything out before it stops what it has started", async () => {
  await using stage = new Stage();
  const { source, running } = stage.registrar();
  source.tell([target("a", { check: "none" })]);
  await stage.heard.ids("a");
  await running.close();
  equal(source.closed, true);
  await stage.heard.ids();
});

test("two registrars of one target: when one goes, the other has it registered within a third of the lease", async () => {
  await using stage = new Stage();
  const [one, other] = [stage.registrar(), stage.registrar()];
  for (const { source } of [one, other]) source.tell([target("a", { check: "none" })]);
  await stage.heard.ids("a");
  await sleep(stage.env, 60_000);
  const boots = stage.heard.snapshots.flatMap(({ instances }) =>
    instances.map(({ bootId }: Instance) => bootId),
  );
  deepEqual([...new Set(boots)], ["boot-a"]);
  await one.running.close();
  await stage.heard.ids();
  const goneAt = stage.env.now();
  await stage.heard.ids("a");
  equal(stage.env.now() - goneAt <= 10_000 / 3 + 400, true);
});

test("an option that cannot be is refused", () => {
  throws(() => registrar({ sources: [], discovery: memory(), unhealthyAfter: 0 }), {
    code: "INVALID_ARGUMENT",
    message: /unhealthyAfter is 0/,
  });
});
