import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";

import { sleep } from "../base/alarm.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Instance, Snapshot } from "./discovery.ts";
import {
  EndpointSet,
  type EndpointSetOptions,
  type LastGood,
  type MemberChanges,
} from "./endpoint-set.ts";

function instance(id: string, given: Partial<Instance> = {}): Instance {
  return {
    id,
    bootId: `${id}-1`,
    contracts: ["orders@1"],
    addresses: [`tcp://${id}:1`],
    state: "ready",
    ...given,
  };
}

class Bench {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly set: EndpointSet;
  readonly told: MemberChanges[] = [];
  #revision = 0;

  constructor(options: Partial<EndpointSetOptions> = {}) {
    this.set = new EndpointSet({ service: "orders", ...options }, this.env);
    this.set.onChange((changes) => this.told.push(changes));
  }

  /** The registry answers so; what is collected is waited for. */
  async says(...instances: readonly (string | Instance)[]): Promise<void> {
    this.set.apply(
      this.#snapshot(
        "ok",
        instances.map((each) => (typeof each === "string" ? instance(each) : each)),
      ),
    );
    await this.pass(150);
  }

  fails(): void {
    this.set.apply({ ...this.#snapshot("unavailable", []), problem: "it is down" });
  }

  pass(ms: number): Promise<void> {
    return sleep(this.env, ms);
  }

  /** `a, b absent` */
  get members(): string {
    return this.set.members
      .map(({ instance: { id }, state }) => (state === "ready" ? id : `${id} ${state}`))
      .join(", ");
  }

  #snapshot(status: Snapshot["status"], instances: readonly Instance[]): Snapshot {
    return { service: "orders", status, instances, revision: ++this.#revision };
  }
}

test("present and healthy is used, absent and healthy is used, absent and failed goes, at once or later", async () => {
  const bench = new Bench();
  await bench.says("a", "b", "c");
  bench.set.health("a", true);
  bench.set.health("b", true);
  bench.set.health("c", false);
  equal(bench.members, "a, b, c", "one that is present is the balancer's to judge");
  await bench.says("a");
  equal(bench.members, "a, b absent");
  await bench.pass(1_000_000);
  equal(bench.members, "a, b absent", "no time takes away what is healthy");
  bench.set.health("b", false);
  equal(bench.members, "a");
  bench.set.close();
});

test("absent without any knowledge of its health goes after its time", async () => {
  const bench = new Bench({ absentMs: 60_000 });
  await bench.says("a", "b");
  await bench.says("a");
  await bench.pass(59_000);
  equal(bench.members, "a, b absent");
  await bench.says("a");
  await bench.pass(1_000);
  equal(bench.members, "a", "saying it again does not begin its time anew");
  bench.set.close();
});

test("an answer that failed changes nothing, however long it lasts", async () => {
  const bench = new Bench();
  await bench.says("a", "b", "c");
  await bench.says("a", "b");
  bench.fails();
  await bench.pass(10_000_000);
  equal(bench.members, "a, b, c absent");
  deepEqual(bench.set.registry.status, "unavailable");
  equal(bench.set.registry.problem, "it is down");
  await bench.says("a", "b");
  equal(bench.members, "a, b", "its time was over, and the registry has said it again");
  bench.set.close();
});

test("an empty answer is suspicious: all stay until their own health says no, and time never takes the last", async () => {
  const bench = new Bench({ suspectMs: 300_000 });
  await bench.says("a", "b");
  await bench.says();
  equal(bench.members, "a absent, b absent");
  await bench.pass(10_000_000);
  equal(bench.members, "a absent, b absent");
  bench.set.health("a", false);
  equal(bench.members, "b absent");
  await bench.says("a", "b");
  equal(bench.members, "b, a");
  bench.set.close();
});

test("who is left over when all have gone gives way as soon as there is another", async () => {
  const bench = new Bench();
  await bench.says("a");
  await bench.says();
  await bench.pass(10_000_000);
  equal(bench.members, "a absent");
  await bench.says("b");
  await bench.pass(10);
  equal(bench.members, "b");
  bench.set.close();
});

test("more than 15 % gone at once, and at least three, are held until their health is known", async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `i${index}`);
  const bench = new Bench({ absentMs: 60_000, suspectMs: 300_000 });
  await bench.says(...ids);
  await bench.says(...ids.slice(3));
  await bench.pass(60_100);
  equal(bench.set.members.length, 17, "three of twenty are not more than 15 %");
  await bench.says(...ids.slice(7));
  await bench.pass(200_000);
  equal(bench.set.members.length, 17, "four of seventeen are");
  await bench.pass(100_100);
  equal(bench.set.members.length, 13);
  bench.set.close();
});

test("two of two, or two of three, are no mass: sets so small follow their registry", async () => {
  const bench = new Bench({ absentMs: 60_000 });
  await bench.says("a", "b", "c");
  await bench.says("a");
  await bench.pass(60_100);
  equal(bench.members, "a");
  bench.set.close();
});

test("one that drains is told so, and is believed when it goes", async () => {
  const bench = new Bench();
  await bench.says("a", "b");
  await bench.says("a", instance("b", { state: "draining" }));
  equal(bench.members, "a, b draining");
  await bench.says("a");
  equal(bench.members, "a");
  bench.set.close();
});

test("one that starts is no member, and is one when it is ready", async () => {
  const bench = new Bench();
  await bench.says("a", instance("b", { state: "starting" }));
  equal(bench.members, "a");
  deepEqual(bench.set.excluded, [{ id: "b", reason: "it is starting" }]);
  await bench.says("a", "b");
  equal(bench.members, "a, b");
  bench.set.close();
});

test("another life under the same id is a change, and what was known of the one before says nothing of it", async () => {
  const bench = new Bench();
  await bench.says("a", "b");
  bench.set.health("b", false);
  await bench.says("a", instance("b", { bootId: "b-2" }));
  equal(bench.told.at(-1)!.changed[0]!.instance.bootId, "b-2");
  await bench.says("a");
  equal(bench.members, "a, b absent");
  bench.set.close();
});

test("only what has changed is told, by its content", async () => {
  const bench = new Bench();
  await bench.says("a", "b");
  equal(bench.told.length, 1);
  const before = bench.set.members;
  await bench.says("b", instance("a", { weight: 1, lane: "main" }));
  equal(bench.told.length, 1);
  equal(bench.set.members, before);
  await bench.says("b", instance("a", { weight: 2 }));
  equal(bench.told.length, 2);
  const { added, removed, changed } = bench.told[1]!;
  deepEqual([added.length, removed.length, changed.length], [0, 0, 1]);
  equal(changed[0]!.since, before[0]!.since);
  bench.set.close();
});

test("what comes within the time of collecting is told as one change; the first instances are not delayed", async () => {
  const bench = new Bench({ debounceMs: 100 });
  const say = (...ids: readonly string[]): void =>
    bench.set.apply({
      service: "orders",
      status: "ok",
      instances: ids.map((id) => instance(id)),
      revision: ids.length,
    });
  say("a");
  equal(bench.members, "a");
  for (let round = 0; round < 10; round++) {
    say("a", "b", ...(round % 2 === 0 ? ["c"] : []));
    await bench.pass(8);
  }
  equal(bench.told.length, 1);
  await bench.pass(30);
  equal(bench.told.length, 2, "a flood cannot put it off");
  equal(bench.members, "a, b");
  bench.set.close();
});

test("instances of other lanes, of another major version or out of reach are left out with the reason", async () => {
  const bench = new Bench({ lane: "blue", major: 2, hostId: "h1" });
  const contracts = ["orders@2"];
  await bench.says(
    instance("main", { contracts }),
    instance("old", { lane: "blue" }),
    instance("far", { lane: "blue", contracts, hostId: "h2", addresses: ["unix:/x"] }),
    instance("both", {
      lane: "blue",
      contracts,
      hostId: "h2",
      addresses: ["http+unix:/x", "tcp://b:1"],
    }),
    instance("near", { lane: "blue", contracts, hostId: "h1", addresses: ["unix:/x"] }),
    instance("plain", { lane: "blue", contracts: ["orders"], addresses: ["tcp://p:1"] }),
  );
  equal(bench.members, "both, near, plain");
  deepEqual(bench.set.members[0]!.instance.addresses, ["tcp://b:1"]);
  deepEqual(
    bench.set.excluded.map(({ id, reason }) => `${id}: ${reason}`),
    [
      "main: it is on lane main, not blue",
      "old: it does not serve orders@2",
      "far: no address that this host could reach",
    ],
  );
  bench.set.close();
});

test("an instance that goes over to another lane has left at once: the registry has named it", async () => {
  const bench = new Bench({ lane: "main" });
  await bench.says("a", "b");
  await bench.says("a", instance("b", { lane: "blue" }));
  equal(bench.members, "a");
  bench.set.close();
});

test("everything is asked for anew every five minutes, though nothing was told", async () => {
  let asked = 0;
  const bench = new Bench({ refresh: () => asked++ });
  await bench.pass(3_600_000);
  ok(asked >= 10 && asked <= 14, `asked ${asked} times in an hour`);
  bench.set.close();
  equal(bench.env.alarms, 0);
});

function kept(instances: readonly Instance[] = []): LastGood & { written: readonly Instance[][] } {
  const written: Instance[][] = [];
  return {
    written,
    read: async () => instances,
    write: async (now) => void written.push([...now]),
  };
}

test("when the registry does not answer at the start, the last good instances are used", async () => {
  const bench = new Bench({ lastGood: kept([instance("a"), instance("b")]) });
  equal(bench.members, "");
  bench.fails();
  await bench.pass(10);
  equal(bench.members, "a absent, b absent");
  await bench.says("b", "c");
  equal(bench.members, "a absent, b, c");
  await bench.pass(60_100);
  equal(bench.members, "b, c");
  bench.set.close();
});

test("a registry that says nothing at all is waited for so long", async () => {
  const bench = new Bench({ lastGood: kept([instance("a")]), patienceMs: 1_000 });
  await bench.pass(900);
  equal(bench.members, "");
  await bench.pass(200);
  equal(bench.members, "a absent");
  bench.set.close();
});

test("a registry that answers is believed, and the last good instances are not read", async () => {
  const bench = new Bench({ lastGood: kept([instance("old")]) });
  await bench.says("a");
  bench.fails();
  await bench.pass(10_000);
  equal(bench.members, "a");
  bench.set.close();
});

test("the instances that are ready are written, once for what comes together; nothing is written over them when all have gone", async () => {
  const lastGood = kept();
  const bench = new Bench({ lastGood });
  await bench.says("a");
  await bench.says("a", "b", instance("c", { state: "draining" }));
  await bench.pass(2_000);
  deepEqual(
    lastGood.written.map((each) => each.map(({ id }) => id)),
    [["a", "b"]],
  );
  await bench.says();
  await bench.pass(10_000);
  equal(lastGood.written.length, 1);
  bench.set.close();
});

test("a set that is closed tells nothing and leaves no alarm", async () => {
  const bench = new Bench({ refresh: () => {}, lastGood: kept() });
  await bench.says("a", "b");
  await bench.says("a");
  bench.set.close();
  equal(bench.env.alarms, 0);
  const before = bench.told.length;
  await bench.says();
  bench.set.health("b", false);
  equal(bench.told.length, before);
});
