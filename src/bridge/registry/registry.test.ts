import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";

import { sleep } from "../../base/alarm.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Client } from "../../call/client-type.ts";
import { makeClient } from "../../call/client.ts";
import type { Handlers } from "../../call/handlers-type.ts";
import { serve, Services } from "../../call/serve.ts";
import { call, contract, type AnyContract } from "../../contract/index.ts";
import type { Discovery, Instance, Snapshot } from "../../discovery/discovery.ts";
import { Hearing } from "../../discovery/suite/stage.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import { parseAddress } from "../../transport/address.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { watchesMax } from "./bounds.ts";
import { registryDiscovery } from "./client.ts";
import { folderDisk } from "./disk.ts";
import type { RegistryServerOptions } from "./server.ts";
import { MemoryDisk, RegistryLab } from "./testing/lab.ts";

function instance(id: string, given: Partial<Instance> = {}): Instance {
  const addresses = [`memory:${id}`];
  return { id, bootId: `${id}-1`, contracts: ["orders@1"], addresses, state: "ready", ...given };
}

const ids = ({ instances }: Snapshot): string => instances.map(({ id }) => id).join();

/** Registries over one network, in virtual time. */
class Lab {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly #protocol = rsocket(memory(new MemoryNames()));
  readonly #clients: Discovery[] = [];

  registry(name: string = "registry", options: RegistryServerOptions = {}): RegistryLab {
    return new RegistryLab(this.#protocol, `memory:${name}`, options, this.env);
  }

  client(...registries: readonly RegistryLab[]): Discovery {
    const client = registryDiscovery(registries.map(({ place }) => place));
    this.#clients.push(client);
    return client;
  }

  /** Serves a contract beside the registries; a client of it. */
  async serve<C extends AnyContract>(
    served: C,
    handlers: Handlers<C>,
  ): Promise<Client<C> & AsyncDisposable> {
    const options = { interceptors: [], checkSent: true };
    const dispatcher = new Services([serve(served, handlers)], options, this.env);
    const address = parseAddress("memory:beside");
    const server = await this.#protocol.serve(address, dispatcher, {}, this.env);
    const caller = this.#protocol.connect(address, {}, this.env);
    const terms = { env: this.env, deadlineMs: 10_000, checkSent: true, chain: undefined };
    return makeClient(served, { ...terms, caller }, async () => {
      await caller.close();
      await server.drain(0);
    });
  }

  hear(client: Discovery): Hearing {
    return new Hearing(client, "orders", this.env);
  }

  async close(...registries: readonly RegistryLab[]): Promise<void> {
    for (const client of this.#clients) await client.close();
    for (const each of registries) await each.stop();
    await new Promise<void>((resolve) => this.env.yield(resolve));
    equal(this.env.alarms, 0, "alarms stay set");
  }
}

suite("a registry that is started anew", () => {
  for (const kept of [true, false])
    test(`${kept ? "with" : "without"} what it had written it takes nobody away from those who watch`, async () => {
      const lab = new Lab();
      const disk = kept ? new MemoryDisk() : undefined;
      const registry = lab.registry("registry", { disk });
      await registry.start();
      for (const id of ["a", "b", "c"])
        await lab.client(registry).register(instance(id), { ttlMs: 10_000 }, lab.env);
      const heard = lab.hear(lab.client(registry));
      await heard.ids("a", "b", "c");
      await sleep(lab.env, 1_000); // it has been written
      const before = heard.snapshots.length;
      await registry.stop(false);
      await sleep(lab.env, 5_000);
      await registry.start();
      await sleep(lab.env, 40_000);
      const after = heard.snapshots.slice(before);
      deepEqual([...new Set(after.map(ids))], ["a,b,c"]);
      deepEqual(
        after.map(({ status }) => status),
        ["unavailable", "ok"],
      );
      equal(registry.registry.size, 3);
      await lab.close(registry);
    });

  test("whoever died while it was away is gone when its time is over", async () => {
    const lab = new Lab();
    const registry = lab.registry("registry", { disk: new MemoryDisk() });
    await registry.start();
    const alive = lab.client(registry);
    await alive.register(instance("a"), { ttlMs: 10_000 }, lab.env);
    const dead = registry.place.open();
    await dead.register({ instance: instance("b"), ttlMs: 10_000 });
    await dead[Symbol.asyncDispose]();
    const heard = lab.hear(alive);
    await heard.ids("a", "b");
    await sleep(lab.env, 1_000);
    await registry.stop(false);
    await sleep(lab.env, 60_000);
    await registry.start();
    const startedAt = lab.env.now();
    await heard.until(({ status }) => status === "ok");
    equal(ids(heard.last!), "a,b");
    await heard.ids("a");
    ok(lab.env.now() - startedAt > 9_000, "it had no time to come back");
    await lab.close(registry);
  });

  test("a thousand who watch do not come back all at once", async () => {
    const lab = new Lab();
    const registry = lab.registry();
    await registry.start();
    const client = lab.client(registry);
    const hearings = Array.from({ length: 1_000 }, () => lab.hear(client));
    await Promise.all(hearings.map((heard) => heard.ids()));
    await client.register(instance("a"), {}, lab.env);
    await Promise.all(hearings.map((heard) => heard.ids("a")));
    const come: number[] = [];
    await registry.stop(false);
    await registry.start();
    const looks = hearings.map(async (heard) => {
      await heard.until(({ status }) => status === "unavailable");
      await heard.until(({ status }) => status === "ok");
      come.push(lab.env.now());
    });
    await Promise.all(looks);
    const [first, last] = [Math.min(...come), Math.max(...come)];
    ok(last - first > 250, `all within ${last - first} ms`);
    const busiest = Math.max(
      ...Array.from({ length: Math.ceil(last - first) }, (_, at) => {
        const from = first + at;
        return come.filter((each) => each >= from && each < from + 50).length;
      }),
    );
    ok(busiest < 500, `${busiest} within 50 ms`);
    await lab.close(registry);
  });
});

suite("what a registry keeps", () => {
  test("a disk that fails is told and hurts nobody; when it works again everything is written", async () => {
    const lab = new Lab();
    const disk = new MemoryDisk();
    const problems: string[] = [];
    const onProblem = (problem: string): void => void problems.push(problem);
    const registry = lab.registry("registry", { disk, onProblem });
    await registry.start();
    disk.broken = "no space left on device";
    const client = lab.client(registry);
    await client.register(instance("a"), {}, lab.env);
    await sleep(lab.env, 1_000);
    ok(problems.length > 0 && problems.every((each) => each === "no space left on device"));
    disk.broken = undefined;
    await client.register(instance("b"), {}, lab.env);
    await sleep(lab.env, 1_000);
    deepEqual(savedIds(disk.text!), ["a", "b"]);
    await lab.close(registry);
  });

  test("many changes are few writings, and the last is written before it stops", async () => {
    const lab = new Lab();
    const disk = new MemoryDisk();
    const registry = lab.registry("registry", { disk });
    await registry.start();
    const client = registry.place.open();
    for (let index = 0; index < 200; index++)
      await client.register({ instance: instance(`i${index}`), ttlMs: 60_000 });
    await registry.stop();
    equal(savedIds(disk.text!).length, 200);
    ok(disk.writes <= 3, `${disk.writes} writings`);
    await client[Symbol.asyncDispose]();
  });

  for (const [what, text] of [
    ["no JSON", "{"],
    ["another form", '{"format":2}'],
    ["leases that are none", '{"format":1,"leases":[{"lease":7}]}'],
    [
      "an instance that is none",
      '{"format":1,"leases":[{"lease":"l","ttlMs":1000,"instance":{}}]}',
    ],
  ] as const)
    test(`what nobody can read is put aside and told, and it begins with nothing: ${what}`, async () => {
      const lab = new Lab();
      const disk = new MemoryDisk();
      disk.text = text;
      const problems: string[] = [];
      const registry = lab.registry("registry", { disk, onProblem: (each) => problems.push(each) });
      await registry.start();
      equal(registry.registry.size, 0);
      equal(disk.aside, text);
      equal(problems.length, 1);
      await lab.close(registry);
    });

  test("a folder keeps it in a file for this user alone, whole at every instant", async (context) => {
    const folder = temporary(context);
    const disk = folderDisk(join(folder, "deep", "er"));
    equal(await disk.read(), undefined);
    await disk.write("first");
    await disk.write("second");
    equal(await disk.read(), "second");
    equal(await folderDisk(join(folder, "deep", "er")).read(), "second");
    const aside = await disk.setAside();
    equal(readFileSync(aside, "utf8"), "second");
    equal(await disk.read(), undefined);
  });

  test("a folder that is none is refused with words", async (context) => {
    const folder = temporary(context);
    writeFileSync(join(folder, "file"), "");
    await rejects(folderDisk(join(folder, "file")).read(), { code: "UNAVAILABLE" });
  });
});

suite("those who mean harm", () => {
  test("they fill no registry with watches", async () => {
    const lab = new Lab();
    const registry = lab.registry();
    await registry.start();
    const client = registry.place.open();
    const reading: AsyncIterator<unknown>[] = [];
    const open = async (service: string): Promise<void> => {
      const stream = client.watch({ service })[Symbol.asyncIterator]();
      await stream.next();
      reading.push(stream);
    };
    await rejects(open("x".repeat(1_000)), { code: "INVALID_ARGUMENT", executed: "no" });
    const { watches } = await client.overview();
    equal(watches, 0);
    ok(watchesMax <= 10_000);
    for (let index = 0; index < 100; index++) await open(`s${index}`);
    equal((await client.overview()).watches, 100);
    for (const each of reading) await each.return?.();
    await sleep(lab.env, 100);
    equal((await client.overview()).watches, 0);
    await client[Symbol.asyncDispose]();
    await lab.close(registry);
  });

  test("what is no instance, no time and no lease is refused, and is no incident", async () => {
    const lab = new Lab();
    const registry = lab.registry();
    await registry.start();
    const client = registry.place.open();
    const bad = { code: "INVALID_ARGUMENT", executed: "no" };
    await rejects(client.register({ instance: instance(""), ttlMs: 1_000 }), bad);
    await rejects(client.register({ instance: instance("a"), ttlMs: 1 }), bad);
    await rejects(client.register({ instance: instance("a"), ttlMs: 1e12 }), bad);
    const long = instance("a", { contracts: [`${"x".repeat(300)}@1`] });
    await rejects(client.register({ instance: long, ttlMs: 1_000 }), bad);
    const many = instance("a", { contracts: Array.from({ length: 5_000 }, (_, i) => `s${i}@1`) });
    await rejects(client.register({ instance: many, ttlMs: 1_000 }), bad);
    deepEqual(await client.renew({ lease: "made up" }), { known: false });
    deepEqual(await client.deregister({ lease: "made up" }), { known: false });
    equal(registry.registry.size, 0);
    await client[Symbol.asyncDispose]();
    await lab.close(registry);
  });
});

suite("several registries", () => {
  test("the second stands in for the first, and all go back when that answers again", async () => {
    const lab = new Lab();
    const [one, two] = [lab.registry("one"), lab.registry("two")];
    await one.start();
    await two.start();
    await lab.client(one, two).register(instance("a"), { ttlMs: 3_000 }, lab.env);
    const heard = lab.hear(lab.client(one, two));
    await heard.ids("a");
    equal(two.registry.size, 0);
    await one.stop(false);
    while (two.registry.size === 0) await sleep(lab.env, 10);
    await sleep(lab.env, 30_000);
    await one.start();
    await sleep(lab.env, 30_000);
    equal(one.registry.size, 1);
    equal(two.registry.size, 0);
    deepEqual([...new Set(heard.snapshots.map(ids))].toSorted(), ["a"]);
    equal(heard.last!.status, "ok");
    await lab.close(one, two);
  });
});

suite("a registry that stood still", () => {
  test("nobody is taken away, though all leases would have been over", async () => {
    const lab = new Lab();
    const registry = lab.registry();
    await registry.start();
    const client = lab.client(registry);
    for (const id of ["a", "b"]) await client.register(instance(id), { ttlMs: 5_000 }, lab.env);
    const heard = lab.hear(client);
    await heard.ids("a", "b");
    const before = heard.snapshots.length;
    lab.env.stall(60_000); // all are in one process here: nobody could renew
    await sleep(lab.env, 10_000);
    deepEqual(
      heard.snapshots
        .slice(before)
        .map(ids)
        .filter((each) => each !== "a,b"),
      [],
    );
    equal(registry.registry.size, 2);
    await lab.close(registry);
  });
});

function savedIds(text: string): string[] {
  const { leases } = JSON.parse(text) as {
    readonly leases: readonly { readonly instance: { readonly id: string } }[];
  };
  return leases.map(({ instance: { id } }) => id).toSorted();
}

function temporary(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-registry-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("a watch that a handler has begun outlives it", async () => {
  const lab = new Lab();
  const registry = lab.registry();
  await registry.start();
  const client = lab.client(registry);
  const Desk = contract("desk", { version: "1.0.0" }, { ask: call({ deadline: "50ms" }) });
  const heard: Hearing[] = [];
  const ask = (): void => void heard.push(lab.hear(client));
  const desk = await lab.serve(Desk, { ask });
  await desk.ask();
  await sleep(lab.env, 1_000);
  await client.register(instance("a"), {}, lab.env);
  await heard[0]!.ids("a");
  deepEqual(
    heard[0]!.snapshots.map(({ status }) => status),
    ["ok", "ok"],
  );
  await desk[Symbol.asyncDispose]();
  await lab.close(registry);
});
