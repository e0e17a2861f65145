import { equal, rejects } from "node:assert/strict";
import { test } from "node:test";

import { VirtualEnv } from "../base/virtual-env.ts";
import type { LeaseActs } from "./keep-lease.ts";
import { Opened } from "./opened.ts";
import { instance } from "./suite/stage.ts";

function acts(given: Partial<LeaseActs> = {}): LeaseActs {
  return { take: async () => true, renew: async () => true, give: async () => {}, ...given };
}

test("a lease that is closed is let go of: who registers again and again holds no more than who does so once", async () => {
  const env = new VirtualEnv();
  const opened = new Opened();
  for (let times = 0; times < 100; times++) {
    const lease = await opened.keep(acts(), instance("a"), {}, env);
    equal(opened.size, 1);
    await lease.close();
  }
  equal(opened.size, 0);
  equal(env.alarms, 0);
});

test("what is closed while it registers gives the registration back, and says so", async () => {
  const env = new VirtualEnv();
  const opened = new Opened();
  const taking = Promise.withResolvers<boolean>();
  let given = 0;
  const give = async (): Promise<void> => void given++;
  const kept = opened.keep(acts({ take: () => taking.promise, give }), instance("a"), {}, env);
  await opened.close();
  taking.resolve(true);
  await rejects(kept, { code: "UNAVAILABLE", executed: "no" });
  equal(given, 1);
  equal(env.alarms, 0);
});
