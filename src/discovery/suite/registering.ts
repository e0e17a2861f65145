import { deepEqual, equal, ok, rejects } from "node:assert/strict";

import { between, seededRandom } from "../../base/random.ts";
import type { DiscoveryCapabilities, Instance, Lease } from "../discovery.ts";
import { instance, service, type Case } from "./stage.ts";

const registers = ({ registers: can }: DiscoveryCapabilities): boolean => can;

/** Every field that an instance can have. */
const full: Partial<Instance> = {
  hostId: "host-1",
  contracts: ["orders@1", "orders@2", "invoices@1"],
  addresses: ["unix:/run/orders.sock", "tcp://127.0.0.1:7400", "grpc://127.0.0.1:50051"],
  lane: "blue",
  weight: 2.5,
  locality: { region: "eu", zone: "eu-1" },
  keyStore: "orders-keys",
  meta: { build: "42", "a b": "ä/∞\n\"'" },
};

export const registeringCases: readonly Case[] = [
  {
    name: "where nothing can be registered, it is refused with words",
    when: (capabilities) => !registers(capabilities),
    play: async (stage) => {
      await rejects(stage.register(instance("a")), { code: "UNIMPLEMENTED", executed: "no" });
    },
  },
  {
    name: "an instance that is registered is told to those who watch, with all that it says",
    when: registers,
    play: async (stage) => {
      const heard = stage.hear();
      await heard.ids();
      const given = instance("a", full);
      const lease = await stage.register(given);
      equal(lease.held, true);
      const { instances } = await heard.ids("a");
      if (stage.capabilities.attributes) deepEqual(instances, [given]);
      else deepEqual(instances[0]!.addresses, given.addresses);
    },
  },
  {
    name: "an instance is found under each of its contracts and under no other name",
    when: registers,
    play: async (stage) => {
      const client = stage.client();
      const [orders, invoices, other] = ["orders", "invoices", "order"].map((of) =>
        stage.hear(client, of),
      );
      await stage.register(instance("a", full));
      await orders!.ids("a");
      await invoices!.ids("a");
      await other!.ids();
      await stage.quiet();
      deepEqual(other!.last!.instances, []);
    },
  },
  {
    name: "an update is told; id and boot id stay",
    when: (capabilities) => registers(capabilities) && capabilities.attributes,
    play: async (stage) => {
      const given = instance("a", full);
      const heard = stage.hear();
      const lease = await stage.register(given);
      const { revision } = await heard.ids("a");
      const changed: Instance = { ...given, state: "draining", weight: 1, contracts: ["orders@2"] };
      await lease.update({ ...changed, id: "other", bootId: "other" });
      const told = await heard.until(({ instances }) => instances[0]?.state === "draining");
      deepEqual(told.instances, [changed]);
      ok(told.revision > revision);
      equal(lease.held, true);
    },
  },
  {
    name: "a contract that an update leaves out is not served any more, and one that it brings is",
    when: registers,
    play: async (stage) => {
      const client = stage.client();
      const [orders, invoices] = ["orders", "invoices"].map((of) => stage.hear(client, of));
      const given = instance("a");
      const lease = await stage.register(given);
      await orders!.ids("a");
      await lease.update({ ...given, contracts: ["invoices@1"] });
      await orders!.ids();
      await invoices!.ids("a");
      await lease.close();
      await invoices!.ids();
    },
  },
  {
    name: "closing a lease takes the instance away at once; closing it twice is closing it once",
    when: registers,
    play: async (stage) => {
      const heard = stage.hear();
      const lease = await stage.register(instance("a"), { ttlMs: 60_000 });
      await stage.register(instance("b"), { ttlMs: 60_000 });
      await heard.ids("a", "b");
      await Promise.all([lease.close(), lease.close()]);
      equal(lease.held, false);
      await heard.ids("b");
    },
  },
  {
    name: "a client that is closed takes its instances with it",
    when: registers,
    play: async (stage) => {
      const heard = stage.hear();
      const client = stage.client();
      await stage.register(instance("a"), { ttlMs: 60_000 }, client);
      await stage.register(instance("b"), { ttlMs: 60_000 });
      await heard.ids("a", "b");
      await client.close();
      await heard.ids("b");
    },
  },
  {
    name: "the revision grows with each change",
    when: registers,
    play: async (stage) => {
      const heard = stage.hear();
      await heard.ids();
      const lease = await stage.register(instance("a"));
      await heard.ids("a");
      await lease.close();
      await heard.ids();
      const revisions = heard.snapshots.map(({ revision }) => revision);
      deepEqual(
        revisions,
        [...new Set(revisions)].toSorted((a, b) => a - b),
      );
    },
  },
  {
    name: "whoever registers an id again is its owner: the life before loses its lease, takes nothing away and never comes back",
    when: (capabilities) => registers(capabilities) && capabilities.attributes,
    play: async (stage) => {
      const heard = stage.hear();
      const changes: boolean[] = [];
      const old = await stage.register(instance("a"), { onChange: (held) => changes.push(held) });
      await heard.ids("a");
      const next = instance("a");
      await stage.register(next);
      await heard.until(({ instances }) => instances[0]?.bootId === next.bootId);
      while (old.held) await stage.pass(10);
      await stage.pass(stage.ttlMs * 2);
      deepEqual(changes, [false]);
      await old.close();
      await stage.quiet();
      const fresh = stage.hear();
      const { instances } = await fresh.until(() => true);
      deepEqual(instances, [next]);
    },
  },
  {
    name: "instances come and go in any order, and what is left is what is told",
    when: registers,
    play: async (stage) => {
      const random = seededRandom(20_011, "churn");
      const client = stage.client();
      const heard = stage.hear();
      const leases = new Map<string, Lease>();
      for (let step = 0; step < 40; step++) {
        const id = `i-${between(random, 0, 7)}`;
        const lease = leases.get(id);
        if (lease === undefined) {
          leases.set(id, await stage.register(instance(id), { ttlMs: 60_000 }, client));
        } else {
          leases.delete(id);
          await lease.close();
        }
      }
      await heard.ids(...leases.keys());
      await stage.hear().ids(...leases.keys());
    },
  },
  {
    name: "an instance without an id, or too large to be one, is refused",
    when: registers,
    play: async (stage) => {
      const refusal = { code: "INVALID_ARGUMENT", executed: "no" };
      await rejects(stage.register(instance("")), refusal);
      await rejects(stage.register(instance("a", { weight: 0 })), refusal);
      const meta = { long: "x".repeat(100_000) };
      await rejects(stage.register(instance("a", { meta })), refusal);
      await rejects(stage.register(instance("a"), { ttlMs: 0 }), refusal);
    },
  },
  {
    name: "a lease is renewed: the instance stays for many times its time to live",
    when: registers,
    play: async (stage) => {
      const changes: boolean[] = [];
      const heard = stage.hear();
      const lease = await stage.register(instance("a"), { onChange: (held) => changes.push(held) });
      await heard.ids("a");
      await stage.pass(stage.ttlMs * 4);
      deepEqual([lease.held, changes], [true, []]);
      deepEqual(
        heard.snapshots.filter(({ instances }) => instances.length === 0).length <= 1,
        true,
        "it was gone in between",
      );
      await stage.hear().ids("a");
    },
  },
  {
    name: "an instance whose process has died is forgotten",
    when: ({ expires }) => expires !== "never",
    grips: ["abandon"],
    play: async (stage) => {
      const heard = stage.hear();
      await stage.register(instance("alive"));
      await stage.registry.abandon!(instance("dead"), stage.ttlMs);
      await heard.until(({ instances }) => instances.some(({ id }) => id === "dead"));
      await heard.ids("alive");
    },
  },
  {
    name: "a registration that the registry has lost is made anew, and told",
    when: registers,
    grips: ["forget"],
    play: async (stage) => {
      const changes: boolean[] = [];
      const heard = stage.hear();
      const lease = await stage.register(instance("a"), { onChange: (held) => changes.push(held) });
      await heard.ids("a");
      await stage.registry.forget!("a");
      await heard.ids();
      await heard.ids("a");
      while (!lease.held) await stage.pass(10);
      // A registry that tells the loss at once may take it anew before it is told.
      ok(changes.length === 0 || (changes.length === 2 && changes[1] === true), changes.join());
    },
  },
  {
    name: "a registry that does not answer takes no instance, with words",
    when: registers,
    grips: ["interrupt"],
    play: async (stage) => {
      await stage.registry.interrupt!();
      await rejects(stage.register(instance("a")), { code: "UNAVAILABLE" });
      await stage.registry.restore!();
    },
  },
  {
    name: "after an outage longer than the lease the instance is registered again",
    when: registers,
    grips: ["interrupt"],
    play: async (stage) => {
      const changes: boolean[] = [];
      const heard = stage.hear(stage.client(), service);
      const lease = await stage.register(instance("a"), { onChange: (held) => changes.push(held) });
      await heard.ids("a");
      await stage.registry.interrupt!();
      await stage.pass(stage.ttlMs * 2);
      equal(lease.held, false);
      deepEqual(changes, [false]);
      await stage.registry.restore!();
      while (!lease.held) await stage.pass(10);
      deepEqual(changes, [false, true]);
      heard.watch.refresh();
      await heard.ids("a");
    },
  },
];
