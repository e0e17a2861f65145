import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { test } from "node:test";

import { sleep } from "../base/alarm.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Instance, Lease } from "./discovery.ts";
import { keepLease, type LeaseActs } from "./keep-lease.ts";

const instance: Instance = {
  id: "a",
  bootId: "1",
  contracts: ["orders@1"],
  addresses: ["tcp://h:1"],
  state: "ready",
};

/** A registry that does as it is told, and notes what is asked of it. */
class Scene {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly asked: string[] = [];
  readonly told: string[] = [];
  /** How each act goes. */
  take: () => Promise<boolean> = async () => true;
  renew: () => Promise<boolean> = async () => true;

  keep(ttlMs = 3_000): Promise<Lease> {
    const note = (what: string): void =>
      void this.asked.push(`${Math.floor(this.env.now() / 100) / 10}s ${what}`);
    const acts: LeaseActs = {
      take: (_instance, again) => {
        note(again ? "again" : "take");
        return this.take();
      },
      renew: () => {
        note("renew");
        return this.renew();
      },
      give: async () => note("give"),
    };
    const onChange = (held: boolean, problem?: string): void =>
      void this.told.push(held ? "held" : `lost: ${problem}`);
    return keepLease(acts, instance, { ttlMs, onChange }, this.env);
  }

  /** What was asked, without the times. */
  get acts(): string {
    return this.asked.map((each) => each.split(" ")[1]).join(" ");
  }
}

test("a lease is renewed at a third of its time, give or take a tenth", async () => {
  const scene = new Scene();
  const lease = await scene.keep(30_000);
  await sleep(scene.env, 300_000);
  const times = scene.asked.slice(1).map((each) => Number.parseFloat(each));
  for (const [index, at] of times.entries()) {
    const wait = at - (times[index - 1] ?? 0);
    equal(wait > 8.9 && wait < 11.2, true, `after ${wait} s`);
  }
  equal(new Set(times.map((at, index) => at - (times[index - 1] ?? 0))).size > 5, true, "jitter");
  await lease.close();
  equal(scene.env.alarms, 0);
});

test("a process that stood still for longer than its lease takes a new one and never renews the old", async () => {
  const scene = new Scene();
  const lease = await scene.keep(3_000);
  scene.env.stall(10_000);
  equal(lease.held, false, "it knows before it has asked");
  await sleep(scene.env, 100);
  equal(scene.acts, "take again");
  deepEqual(scene.told, ["lost: it was not renewed in time: this process stood still", "held"]);
  await lease.close();
});

test("a lease that the registry does not know is taken anew at once", async () => {
  const scene = new Scene();
  const lease = await scene.keep(3_000);
  scene.renew = async () => false;
  await sleep(scene.env, 1_200);
  equal(scene.acts, "take renew again");
  deepEqual(scene.told, ["lost: the registry does not know the lease any more", "held"]);
  await lease.close();
});

test("one renewal that fails loses nothing, and is tried again before the lease is over", async () => {
  const scene = new Scene();
  const lease = await scene.keep(3_000);
  let failing = 2;
  scene.renew = async () => {
    if (failing-- > 0) throw new Error("a packet was lost");
    return true;
  };
  await sleep(scene.env, 2_900);
  deepEqual(scene.told, []);
  equal(lease.held, true);
  await lease.close();
});

test("a registry that is down is asked again with a back-off up to a third of the lease, and the loss is told once", async () => {
  const scene = new Scene();
  const lease = await scene.keep(3_000);
  const down = async (): Promise<boolean> => {
    throw new Error("it is down");
  };
  [scene.renew, scene.take] = [down, down];
  await sleep(scene.env, 60_000);
  deepEqual(scene.told, ["lost: it is down"]);
  const asked = scene.asked.length;
  equal(asked > 60 && asked < 140, true, `asked ${asked} times in a minute`);
  [scene.renew, scene.take] = [async () => true, async () => true];
  await sleep(scene.env, 1_100);
  deepEqual(scene.told, ["lost: it is down", "held"]);
  await lease.close();
});

test("an act that never ends is given up after one time to live", async () => {
  const scene = new Scene();
  scene.take = () => new Promise(() => {});
  await rejects(scene.keep(3_000), {
    code: "UNAVAILABLE",
    message: /did not answer within 3000 ms/,
  });
  equal(scene.env.alarms, 0);
});

test("a first failure is told as what it is", async () => {
  const scene = new Scene();
  scene.take = async () => {
    throw new Error("no route to host");
  };
  await rejects(scene.keep(), (error: Error) => {
    match(
      error.message,
      /UNAVAILABLE[^]*the registry does not take the instance: no route to host/,
    );
    return true;
  });
});

test("acts do not overtake each other: what is closed during a renewal is given back after it", async () => {
  const scene = new Scene();
  const lease = await scene.keep(3_000);
  const renewal = Promise.withResolvers<boolean>();
  scene.renew = () => renewal.promise;
  await sleep(scene.env, 1_200);
  const closed = lease.close();
  equal(scene.acts, "take renew");
  renewal.resolve(true);
  await closed;
  equal(scene.acts, "take renew give");
  equal(scene.env.alarms, 0);
});

test("what changes while a renewal is under way is registered all the same", async () => {
  const env = new VirtualEnv();
  const taken: Instance[] = [];
  let renewing = false;
  const acts = {
    take: async (given: Instance) => taken.push(given) > 0,
    renew: async () => {
      renewing = true;
      await sleep(env, 50);
      renewing = false;
      return true;
    },
    give: async () => {},
  };
  const lease = await keepLease(acts, instance, { ttlMs: 3_000 }, env);
  while (!renewing) await sleep(env, 10);
  await lease.update({ ...instance, weight: 2 });
  deepEqual(
    taken.map(({ weight = 1 }) => weight),
    [1, 2],
  );
  await lease.close();
});

test("a change that the registry did not take is taken with the next try", async () => {
  const env = new VirtualEnv();
  const taken: Instance[] = [];
  let away = false;
  const acts = {
    take: async (given: Instance) => {
      if (away) throw new Error("it does not answer");
      return taken.push(given) > 0;
    },
    renew: async () => true,
    give: async () => {},
  };
  const lease = await keepLease(acts, instance, { ttlMs: 3_000 }, env);
  away = true;
  await lease.update({ ...instance, weight: 2 }).catch(() => {});
  away = false;
  await sleep(env, 3_000);
  equal(taken.at(-1)!.weight, 2);
  equal(lease.held, true);
  await lease.close();
});

test("who has been followed by another life comes back when that one is gone, and not before", async () => {
  const env = new VirtualEnv();
  const told: boolean[] = [];
  let other = false;
  let tries = 0;
  const acts = {
    take: async () => ++tries > 0 && !other,
    renew: async () => !other,
    give: async () => {},
  };
  const onChange = (held: boolean): void => void told.push(held);
  const lease = await keepLease(acts, instance, { ttlMs: 3_000, onChange }, env);
  other = true;
  await sleep(env, 60_000);
  deepEqual([lease.held, told], [false, [false]]);
  equal(tries <= 1 + 60_000 / (3_000 * 0.9), true, `${tries} tries`);
  other = false;
  await sleep(env, 4_000);
  deepEqual([lease.held, told], [true, [false, true]]);
  await lease.close();
});
