import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { test } from "node:test";

import * as z from "zod";

import { sleep } from "../base/alarm.ts";
import { hostId } from "../base/host-id.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { memory as memoryDiscovery, MemoryRegistry } from "../discovery/memory/index.ts";
import { fixed } from "../discovery/static/index.ts";
import { Hearing } from "../discovery/suite/stage.ts";
import { memory, MemoryNames } from "../transport/memory/memory.ts";
import { chassis, type Chassis, type ChassisOptions } from "./chassis.ts";
import { client } from "./client.ts";
import { Reflection } from "./reflection.ts";
import type { RegistrationOptions } from "./registration.ts";

const Desk = contract(
  "desk",
  { version: "2.1.0" },
  { ask: call({ in: z.number(), out: z.number() }) },
);
const Lamp = contract("lamp", { version: "1.0.0" }, { light: call({ out: z.boolean() }) });

class Scene {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly registry: MemoryRegistry = new MemoryRegistry();
  readonly transports = [memory(new MemoryNames())];
  readonly desks: Hearing;

  constructor() {
    this.desks = new Hearing(memoryDiscovery(this.registry), "desk", this.env);
  }

  /** A handler answers after as many milliseconds as it is asked for. */
  start(
    register: RegistrationOptions = {},
    options: Partial<ChassisOptions> = {},
  ): Promise<Chassis> {
    return chassis({
      name: "desk",
      listen: ["memory:desk"],
      signals: false,
      env: this.env,
      transports: this.transports,
      register: { discovery: memoryDiscovery(this.registry), ...register },
      serve: [
        serve(Desk, {
          ask: async (ms) => {
            await sleep(this.env, ms);
            return ms;
          },
        }),
        serve(Lamp, { light: async () => true }),
      ],
      ...options,
    });
  }

  async close(): Promise<void> {
    await this.desks.watch.close();
  }
}

test("a process registers when it is ready: its contracts, all its addresses, and what it says of itself", async () => {
  const scene = new Scene();
  const given = {
    lane: "blue",
    weight: 2,
    locality: { zone: "a" },
    keyStore: "k",
    meta: { b: "1" },
  };
  const app = await scene.start(
    { id: "desk-1", ...given },
    { listen: ["memory:desk", "memory:other"] },
  );
  const { instances } = await scene.desks.ids("desk-1");
  deepEqual(instances, [
    {
      id: "desk-1",
      bootId: app.instance,
      hostId: hostId(),
      contracts: ["desk@2", "lamp@1"],
      addresses: ["memory:desk", "memory:other"],
      state: "ready",
      ...given,
    },
  ]);
  deepEqual(app.registration, {
    state: "held",
    registry: "memory",
    id: "desk-1",
    addresses: ["memory:desk", "memory:other"],
  });
  await app.stop();
  await scene.close();
});

test("without an id each life has another one, and it stays registered for as long as it lives", async () => {
  const scene = new Scene();
  const app = await scene.start({ ttl: "1s" });
  await scene.desks.ids(app.instance);
  await sleep(scene.env, 60_000);
  deepEqual(scene.desks.snapshots.filter(({ instances }) => instances.length === 1).length, 1);
  await app.stop();
  await scene.close();
});

test("stopping is told first, and the process has deregistered before the last answer has gone", async () => {
  const scene = new Scene();
  const app = await scene.start({ id: "a" }, { stop: { readiness: "1s", drain: "10s" } });
  await scene.desks.ids("a");
  await using desk = client(Desk, "memory:desk", { env: scene.env, transports: scene.transports });
  const answer = desk.ask(5_000);
  await sleep(scene.env, 100);
  const stopping = app.stop();
  const draining = await scene.desks.until(({ instances }) => instances[0]?.state === "draining");
  equal(draining.instances.length, 1);
  const from = scene.env.now();
  await scene.desks.ids();
  ok(scene.env.now() - from >= 900, "it is draining for the time of readiness");
  equal(app.inFlight, 1, "the answer is still under way");
  equal(await answer, 5_000);
  await stopping;
  equal(app.registration!.state, "left");
  await scene.close();
});

test("a registry that is down does not keep a process from starting: it registers when that is back", async () => {
  const scene = new Scene();
  scene.registry.interrupt("it is down");
  const app = await scene.start({ id: "a" });
  const { state, problem } = app.registration!;
  equal(state, "registering");
  match(problem!, /it is down/);
  await sleep(scene.env, 60_000);
  scene.registry.restore();
  await scene.desks.ids("a");
  deepEqual([app.registration!.state, app.registration!.problem], ["held", undefined]);
  await app.stop();
  await scene.close();
});

test("where it is required, a registry that is down is a problem of the start, and nothing listens", async () => {
  const scene = new Scene();
  scene.registry.interrupt("it is down");
  await rejects(scene.start({ required: true }), {
    code: "UNAVAILABLE",
    message: /Cannot start "desk", 1 problem:\n {2}1. it is down/,
  });
  scene.registry.restore();
  const app = await scene.start({ required: true });
  equal(app.registration!.state, "held");
  await app.stop();
  await scene.close();
});

test("what no waiting mends is a problem of the start", async () => {
  const scene = new Scene();
  const refused = (register: RegistrationOptions, message: RegExp, options = {}): Promise<void> =>
    rejects(scene.start(register, options), { message });
  await refused({ discovery: fixed([]) }, /register: in static nobody can register/);
  await refused(
    { discovery: "zookeeper://a:1" },
    /register: "zookeeper:\/\/a:1" names no registry/,
  );
  await refused({ ttl: 1 }, /register: a lease lives from 100 ms/);
  await refused({ addresses: ["nowhere"] }, /register: "nowhere" is not an address/);
  await refused(
    { discovery: "directory:/x" },
    /register: there is nothing that anybody could find/,
  );
  await refused({}, /nothing that anybody could find[^]*serve a contract/, { serve: [] });
  await refused({ weight: -1 }, /its weight is not above 0/);
  await refused({ lane: "two words" }, /register: a lane has 1 to 64 letters/);
  await refused({}, /service:desk is where clients look/, { listen: "service:desk" });
  const app = await scene.start();
  await app.stop();
  await scene.close();
});

test("an address that nobody can listen on leaves nothing registered", async () => {
  const scene = new Scene();
  const first = await scene.start({ id: "first" });
  await rejects(scene.start({ id: "second" }), /the name is in use/);
  await scene.desks.ids("first");
  await first.stop();
  await scene.close();
});

test("a registration that was lost is made anew, and says so meanwhile", async () => {
  const scene = new Scene();
  const app = await scene.start({ id: "a", ttl: "3s" });
  await scene.desks.ids("a");
  scene.registry.interrupt("it is down");
  await sleep(scene.env, 4_000);
  equal(app.registration!.state, "lost");
  match(app.registration!.problem!, /it is down/);
  scene.registry.restore();
  await scene.desks.ids("a");
  equal(app.registration!.state, "held");
  await app.stop();
  await scene.close();
});

test("a contract that cannot be served is taken out of the registry, and put in again", async () => {
  const scene = new Scene();
  const app = await scene.start({ id: "a" });
  const lamps = new Hearing(memoryDiscovery(scene.registry), "lamp", scene.env);
  await lamps.ids("a");
  app.report(Lamp, { serving: false });
  await lamps.ids();
  await scene.desks.ids("a");
  app.report(Lamp, { serving: true });
  await lamps.ids("a");
  await lamps.watch.close();
  await app.stop();
  await scene.close();
});

test("its figures tell of the registration, over the wire too", async () => {
  const scene = new Scene();
  const app = await scene.start({ id: "a" });
  await using reflection = client(Reflection, "memory:desk", {
    env: scene.env,
    transports: scene.transports,
  });
  const { registration } = await reflection.stats();
  equal(registration!.state, "held");
  equal(registration!.id, "a");
  await app.stop();
  await scene.close();
});

test("a registry that does not answer does not keep a process from stopping", async () => {
  const scene = new Scene();
  const app = await scene.start({ id: "a", ttl: "1h" });
  scene.registry.interrupt();
  const from = scene.env.now();
  await app.stop();
  ok(scene.env.now() - from <= 3_000);
  await scene.close();
});

test("who stops while the registry has not answered yet is not registered afterwards", async () => {
  const scene = new Scene();
  scene.registry.interrupt();
  const app = await scene.start({ id: "a" });
  await app.stop();
  scene.registry.restore();
  await sleep(scene.env, 60_000);
  await scene.desks.ids();
  await scene.close();
  equal(scene.env.alarms, 0);
});
