import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { test } from "node:test";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client } from "./client.ts";
import { Health } from "./health.ts";

const Orders = contract("orders", { version: "1.0.0" }, { get: call({}) });
const Bills = contract("bills", { version: "2.0.0" }, { get: call({}) });

function start(address: string): Promise<Chassis> {
  return chassis({
    name: "shop",
    listen: address,
    signals: false,
    serve: [serve(Orders, { get: () => {} }), serve(Bills, { get: () => {} })],
  });
}

test("health is told for the process and for each of its contracts", async () => {
  await using app = await start("memory:health");
  await using health = client(Health, "memory:health");
  app.report(Bills, { serving: false });
  deepEqual(await health.check({}), { serving: true });
  deepEqual(await health.check({ contract: "orders" }), { serving: true });
  deepEqual(await health.check({ contract: "bills" }), { serving: false });
  deepEqual(await health.check({ contract: "bills@2" }), { serving: false });
  await rejects(health.check({ contract: "bills@3" }), { code: "NOT_FOUND", data: "bills@3" });
  await rejects(health.check({ contract: "bill" }), { code: "NOT_FOUND" });
  await rejects(health.watch({ contract: "bill" }).next(), { code: "NOT_FOUND" });
});

test("who watches hears each change once, and the end when the process stops, which it does not hold up", async () => {
  const app = await start("memory:health-watch");
  await using health = client(Health, "memory:health-watch");
  const reports = health.watch({ contract: "orders" });
  const next = async (): Promise<boolean | undefined> => (await reports.next()).value?.serving;
  equal(await next(), true);
  const changed = next();
  app.report(Orders, { serving: true });
  app.report(Bills, { serving: false });
  app.report(Orders, { serving: false });
  equal(await changed, false);
  app.report(Orders, { serving: true });
  equal(await next(), true);
  const last = next();
  const stopped = app.stop();
  equal(await last, false);
  equal((await reports.next()).done, true);
  deepEqual(await stopped, { cut: 0, forced: false });
});

test("a watcher that leaves is let go of", async () => {
  await using app = await start("memory:health-left");
  await using health = client(Health, "memory:health-left");
  for await (const { serving } of health.watch({})) {
    equal(serving, true);
    break;
  }
  deepEqual(await health.check({}), { serving: true });
  while (app.inFlight > 0) await new Promise((resolve) => void setImmediate(resolve));
});

test("only what is served can be reported", async () => {
  await using app = await start("memory:health-other");
  const Other = contract("other", { version: "1.0.0" }, { get: call({}) });
  throws(() => app.report(Other, { serving: false }), /other@1 is not served here/);
});
