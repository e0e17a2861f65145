import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as z from "zod";
import { serve, type Service } from "../call/serve.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { isTrunklineError, type TrunklineError } from "../base/error.ts";
import { call, contract } from "../contract/index.ts";
import { memory, MemoryNames } from "../transport/memory/memory.ts";
import { chassis, type ChassisOptions } from "./chassis.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

const Orders = contract("orders", { version: "1.0.0" }, { place: call(), get: call() });
const orders = serve(Orders, { place: () => {}, get: () => {} });

async function refused(options: Partial<ChassisOptions>): Promise<TrunklineError> {
  try {
    const app = await chassis({ name: "orders", signals: false, ...options });
    await app.stop({ force: true });
  } catch (error) {
    assert.ok(isTrunklineError(error), String(error));
    assert.equal(error.executed, "no");
    return error;
  }
  throw new Error("it started, and should not have");
}

test("everything that is wrong is told in one message, numbered, each with what to do", async () => {
  const halfServed: Service = { contract: Orders, handlers: { place: () => {} } };
  const Dated = contract(
    "dated",
    { version: "1.0.0" },
    { at: call({ in: z.object({ when: z.date() }) }) },
  );
  const Own = contract("trunkline-mine", { version: "1.0.0" }, {});
  const error = await refused({
    listen: ["memory:fine", "carrier-pigeon:coop", "grpc+memory:coop", "unix:"],
    serve: [halfServed, orders, serve(Dated, { at: () => {} }), serve(Own, {})],
  });
  assert.equal(error.code, "INVALID_ARGUMENT");
  const lines = error.message.split("\n");
  assert.match(lines[0]!, /^INVALID_ARGUMENT: Cannot start "orders", 7 problems:$/);
  const problems = error.message.split(/\n {2}(?=\d\. )/).slice(1);
  const expected = [
    /^1\. "carrier-pigeon:coop" is not an address\n {5}→ /,
    /^2\. HTTP has no way over memory:/,
    /^3\. "unix:" is not an address\n {5}→ the path is missing/,
    /^4\. orders\.get has no handler\.\n {5}→ add a method "get"/,
    /^5\. orders@1 is served twice\.\n {5}→ leave one serve/,
    /^6\. dated\.at, in: when is a Date, which JSON cannot carry\.\n {5}→ .*z\.iso\.datetime/,
    /^7\. trunkline-mine@1: names that begin with "trunkline-?" are Trunkline's own\.\n {5}→ give the contract another name/,
  ];
  for (const [index, pattern] of expected.entries()) assert.match(problems[index] ?? "", pattern);
  assert.equal(problems.length, expected.length);
});

test("one problem alone keeps its code", async () => {
  const names = new MemoryNames();
  const transports = [memory(names)];
  const first = await chassis({ name: "first", listen: "memory:a", signals: false, transports });
  const error = await refused({ listen: "memory:a", transports });
  assert.equal(error.code, "UNAVAILABLE");
  assert.match(error.message, /Cannot start "orders", 1 problem:\n {2}1\. .*the name is in use/);
  await first.stop();
});

test("when one address cannot be had none is kept, and each of several is told", async () => {
  const names = new MemoryNames();
  const transports = [memory(names)];
  const path = join(folder, "taken.sock");
  const holder = await chassis({
    name: "holder",
    listen: [`unix:${path}`, "memory:taken"],
    signals: false,
    transports,
  });
  const error = await refused({
    listen: ["memory:free", `unix:${path}`, "memory:taken"],
    transports,
  });
  assert.match(error.message, /2 problems:/);
  assert.match(error.message, /1\. unix:.*taken\.sock: .*(listens|in use)/);
  assert.match(error.message, /2\. memory:taken: the name is in use/);
  await holder.stop();
  const next = await chassis({
    name: "next",
    listen: ["memory:free", `unix:${path}`, "memory:taken"],
    signals: false,
    transports,
  });
  assert.deepEqual(next.addresses, ["memory:free", `unix:${path}`, "memory:taken"]);
  await next.stop();
});

test("the same address twice is one too many", async () => {
  const error = await refused({
    listen: ["memory:twice", "memory:twice"],
    transports: [memory(new MemoryNames())],
  });
  assert.match(error.message, /memory:twice: the name is in use/);
});

test("times to stop that are none, and bounds that nobody can keep, are found before anything listens", async () => {
  const transports = [memory(new MemoryNames())];
  for (const options of [
    { stop: { drain: "soon" } },
    { stop: { readiness: -1 } },
    { stop: { drain: NaN } },
    { inFlightMax: 0 },
    { itemBytesMax: -1 },
    { connectionsMax: 0 },
  ] as unknown as Partial<ChassisOptions>[]) {
    const error = await refused({ listen: "memory:a", transports, ...options });
    assert.equal(error.code, "INVALID_ARGUMENT", JSON.stringify(options));
  }
});

test("a chassis may listen nowhere and serve nothing, and its life is the same", async () => {
  const env = new VirtualEnv();
  const app = await chassis({ name: "client", signals: false, env });
  assert.deepEqual([app.ready, app.addresses, app.inFlight], [true, [], 0]);
  assert.deepEqual(await app.stop(), { cut: 0, forced: false });
  assert.equal(app.ready, false);
  assert.equal(env.alarms, 0);
});
