import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import type { Env } from "../../base/env.ts";
import type { TrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Chassis } from "../../chassis/chassis.ts";
import { client } from "../../chassis/client.ts";
import { Orders, OrdersService } from "../testing/orders.ts";
import {
  gatewayFromFile,
  type FileGateway,
  type GatewayFromFileOptions,
} from "./gateway-from-file.ts";
import { JsonFault, parseJson } from "./json-node.ts";

const soon = { timeout: 60_000 };
const cache = join(import.meta.dirname, "../../../.cache");

function folderOf(t: TestContext): string {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "gateway-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const orders = join(import.meta.dirname, "../testing/orders.ts");

const wrong: readonly (readonly [what: string, text: string, told: RegExp])[] = [
  ["nothing", "", /:1:1: it ends too early/],
  ["a comma too many", '{\n  "listen": "memory:x",\n}', /:3:1: a name in double quotes is missing/],
  [
    "a comma too few",
    '{ "listen": "memory:x"\n "routes": [] }',
    /:2:2: a "," between members, or "}" is missing/,
  ],
  ["a name twice", '{ "routes": [],\n "routes": [] }', /:2:2: this name was there before/],
  ["more than a value", "{} x", /:1:4: nothing may follow the value/],
  ["no number", '{ "a": 01 }', /:1:8: 01 is no value/],
  ["a text of two lines", '{ "a": "x\ny" }', /:1:8: no value begins with "\\""/],
  ["no object", "[]", /:1:1: the file must be an object, not \[\]/],
  ["nothing to listen on", "{}", /:1:1: the file has no "listen"/],
  [
    "a word that there is not",
    '{ "listen": "memory:x", "routes": [\n { "match": { "operatoin": "*" }, "to": "unix:x" } ] }',
    /:2:28: routes\[0\]\.match has no member "operatoin"; there are operation, path/,
  ],
  [
    "a limit below zero",
    '{ "listen": "memory:x", "routes": [\n\n { "match": { "path": "/" }, "to": "http://x", "limit": { "perSecond": -1 } } ] }',
    /:3:72: routes\[0\]\.limit\.perSecond must be more than 0, not -1/,
  ],
  [
    "no duration",
    '{ "listen": "memory:x", "routes": [{ "match": { "path": "/" }, "to": "http://x", "deadline": "soon" }] }',
    /routes\[0\]\.deadline must be a duration as in "200ms", "5s", "2m", not "soon"/,
  ],
  [
    "an operation that no contract has",
    '{ "listen": "memory:x", "routes": [\n { "match": {\n "operation": "orders.fly" }, "to": "unix:x" } ] }',
    /:3:15: no contract has "orders\.fly"/,
  ],
  [
    "a contract that is nowhere",
    '{ "listen": "memory:x", "contracts": ["./nowhere.ts"], "routes": [] }',
    /nowhere\.ts cannot be loaded/,
  ],
];
for (const [what, text, told] of wrong) {
  test(`a file with ${what} is refused with line, column and reason`, soon, async (t) => {
    const file = join(folderOf(t), "gateway.json");
    writeFileSync(file, text);
    await rejects(gatewayFromFile({ file, signals: false }), told);
  });
}

test("values that are nested too deep are refused, not a full stack", () => {
  throws(() => parseJson("[".repeat(100_000)), JsonFault);
});

test("what JSON.parse reads is read the same", () => {
  for (const text of [
    '{"__proto__":{"a":[1,-2.5e3,true,false,null,"\\u00e9\\n"]},"":{}}',
    " [ ] ",
    '"x"',
  ])
    deepEqual(parseJson(text).value, JSON.parse(text));
});

test("a file that does not exist is refused", soon, async (t) => {
  const file = join(folderOf(t), "nowhere.json");
  await rejects(gatewayFromFile({ file }), /nowhere\.json cannot be read: ENOENT/);
});

let places = 0;

async function edgeWithFile(
  t: TestContext,
  given: Partial<GatewayFromFileOptions> = {},
): Promise<{
  edge: FileGateway;
  file: string;
  write: (routes: readonly object[] | string, more?: object) => void;
  reloads: { next(): Promise<TrunklineError | undefined> };
  one: string;
  two: string;
  services: readonly OrdersService[];
  apps: readonly Chassis[];
}> {
  const folder = folderOf(t);
  const file = join(folder, "gateway.json");
  const [one, two, at] = ["one", "two", "edge"].map((name) => `memory:${name}-${++places}`);
  const services = [new OrdersService("one"), new OrdersService("two")];
  const apps = [await services[0]!.listen(one!), await services[1]!.listen(two!)];
  t.after(() => Promise.all(apps.map((app) => app.stop({ force: true }))));
  const write = (routes: readonly object[] | string, more: object = {}): void => {
    const said = { listen: at, contracts: [orders], routes, ...more };
    writeFileSync(
      `${file}.new`,
      typeof routes === "string" ? routes : JSON.stringify(said, null, 2),
    );
    renameSync(`${file}.new`, file);
  };
  write([{ match: { operation: "*" }, to: one }]);
  const told: (TrunklineError | undefined)[] = [];
  let wake = (): void => {};
  const edge = await gatewayFromFile({
    signals: false,
    ...given,
    file,
    onReload(refused) {
      told.push(refused);
      wake();
    },
  });
  t.after(() => edge.stop({ force: true }));
  const reloads = {
    async next() {
      while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return told.shift();
    },
  };
  return { file, edge, write, reloads, one: one!, two: two!, services, apps };
}

test("a changed file holds for what begins from then on", soon, async (t) => {
  const { edge, write, reloads, two, services } = await edgeWithFile(t);
  await using asked = client(Orders, edge.addresses[0]!);
  const { promise, resolve } = Promise.withResolvers<void>();
  services[0]!.held = promise;
  const underWay = asked.get({ id: "a" });
  while (services[0]!.got.length === 0) await new Promise((turn) => setImmediate(turn));
  write([{ match: { operation: "*" }, to: two }]);
  equal(await reloads.next(), undefined);
  equal((await asked.get({ id: "b" })).by, "two");
  resolve();
  equal((await underWay).by, "one", "what was under way ended by the old routes");
});

test("a signal has the file read where nobody watches it", soon, async (t) => {
  const given = { watch: false, signals: { stop: false, reload: true } } as const;
  const { edge, write, reloads, two } = await edgeWithFile(t, given);
  await using asked = client(Orders, edge.addresses[0]!);
  write("[,");
  process.kill(process.pid, "SIGHUP");
  match((await reloads.next())!.message, /no value begins with ","/);
  write([{ match: { operation: "*" }, to: two }]);
  process.kill(process.pid, "SIGHUP");
  equal(await reloads.next(), undefined);
  equal((await asked.get({ id: "b" })).by, "two");
});

test("a broken file is refused with its line, and the old routes go on", soon, async (t) => {
  const { edge, write, reloads, two } = await edgeWithFile(t);
  await using asked = client(Orders, edge.addresses[0]!);
  write('{ "listen": "memory:x",\n  "routes": [,] }');
  match((await reloads.next())!.message, /gateway\.json:2:14: no value begins with ","/);
  equal((await asked.get({ id: "a" })).by, "one");
  write([{ match: { operation: "orders.fly" }, to: two }]);
  match((await reloads.next())!.message, /no contract has "orders\.fly"/);
  equal((await asked.get({ id: "a" })).by, "one");
  write([{ match: { operation: "*" }, to: two }]);
  equal(await reloads.next(), undefined);
  equal((await asked.get({ id: "a" })).by, "two");
});

test("a refusal is told once, whatever else happens in the folder", soon, async (t) => {
  const real = realEnv();
  let ofFile: Alarm | undefined;
  let seen = (): void => {};
  const env: Env = {
    ...real,
    set(alarm, dueMs) {
      if (dueMs === Infinity) ofFile = alarm; // it waits for a change
      else if (alarm === ofFile) seen();
      real.set(alarm, dueMs);
    },
  };
  const { file, edge, write, reloads, two } = await edgeWithFile(t, { env });
  write("{ nope");
  match((await reloads.next())!.message, /gateway\.json:1:3/);
  const { promise, resolve } = Promise.withResolvers<void>();
  seen = resolve;
  writeFileSync(`${file}.log`, "refused");
  await promise;
  ofFile!.ring();
  await rejects(edge.reload(), /gateway\.json:1:3/); // reads one after the other: that of the log is over
  write([{ match: { operation: "*" }, to: two }]);
  equal(await reloads.next(), undefined);
});

test(
  "what is only read at the start cannot be changed by a file, and that is said",
  soon,
  async (t) => {
    const { edge, write, reloads, two } = await edgeWithFile(t);
    await using asked = client(Orders, edge.addresses[0]!);
    write([{ match: { operation: "*" }, to: two }], { inFlightMax: 5 });
    match(
      (await reloads.next())!.message,
      /"inFlightMax" is only read at the start: roll the gateway/,
    );
    equal((await asked.get({ id: "a" })).by, "one");
  },
);

test("what a limit has counted stays counted when other routes change", soon, async (t) => {
  const { edge, write, reloads, one } = await edgeWithFile(t);
  const limited = {
    name: "get",
    match: { operation: "orders.get" },
    to: one,
    limit: { perSecond: 0.001, burst: 2 },
  };
  write([limited]);
  equal(await reloads.next(), undefined);
  await using asked = client(Orders, edge.addresses[0]!, { retry: false });
  await asked.get({ id: "a" });
  write([limited, { match: { operation: "orders.place" }, to: one }]);
  equal(await reloads.next(), undefined);
  await asked.get({ id: "b" });
  const refused = await asked.get.result({ id: "c" });
  ok(!refused.ok && refused.error.code === "RESOURCE_EXHAUSTED");
  equal(refused.error.executed, "no");
});

test(
  "what only old routes led to is let go of when the last of its requests has ended",
  soon,
  async (t) => {
    const { edge, write, reloads, two, services, apps } = await edgeWithFile(t);
    await using asked = client(Orders, edge.addresses[0]!);
    const { promise, resolve } = Promise.withResolvers<void>();
    services[0]!.held = promise;
    const underWay = asked.get({ id: "a" });
    while (services[0]!.got.length === 0) await new Promise((turn) => setImmediate(turn));
    write([{ match: { operation: "*" }, to: two }]);
    equal(await reloads.next(), undefined);
    const connections = (): number => apps[0]!.stats().addresses[0]!.connections;
    equal(connections(), 1);
    resolve();
    await underWay;
    while (connections() > 0) await new Promise((turn) => setImmediate(turn));
  },
);
