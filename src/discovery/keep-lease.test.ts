import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { sleep } from "../base/alarm.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Instance } from "./discovery.ts";
import { keepLease } from "./keep-lease.ts";

const instance: Instance = {
  id: "a",
  bootId: "a-1",
  contracts: ["orders@1"],
  addresses: ["memory:a"],
  state: "ready",
};

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
