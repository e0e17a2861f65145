import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { suite, test } from "node:test";

import { dnsmasqAt } from "../../../scripts/servers/dnsmasq.ts";
import { freePort, missing } from "../../../scripts/servers/for-tests.ts";
import { running } from "../../../scripts/servers/running.ts";
import { sleep } from "../../base/alarm.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Snapshot } from "../discovery.ts";
import { EndpointSet } from "../endpoint-set.ts";
import { Hearing } from "../suite/stage.ts";
import { dns, type DnsOptions } from "./index.ts";
import { NameServer, types, type Zone } from "./testing/name-server.ts";

const env = realEnv();
const limit = { timeout: 30_000 };

function askAt(server: NameServer, options: Partial<DnsOptions> = {}) {
  const servers = [server.address];
  return dns({
    name: "orders.test",
    port: 7400,
    servers,
    answerMs: 100,
    refreshMsMin: 20,
    ...options,
  });
}

function addresses({ instances }: Snapshot): string[] {
  return instances.flatMap((each) => each.addresses);
}

async function served(zone: Zone, name = "orders.test"): Promise<NameServer> {
  const server = await NameServer.start();
  server.zones.set(name, zone);
  return server;
}

test("all addresses of a name, of both families, are instances at one port", limit, async () => {
  await using server = await served({
    a: ["10.0.0.1", "10.0.0.2"],
    aaaa: ["2001:db8:0:0:0:0:0:7"],
    ttl: 60,
  });
  await using discovery = askAt(server, { scheme: "grpc" });
  const told = await new Hearing(discovery, "orders", env).until(() => true);
  deepEqual(addresses(told), [
    "grpc://10.0.0.1:7400",
    "grpc://10.0.0.2:7400",
    "grpc://[2001:db8::7]:7400",
  ]);
});

test("who is new is found by the TTL, without any call having failed", limit, async () => {
  await using server = await served({ a: ["10.0.0.1"], ttl: 1 });
  await using discovery = askAt(server);
  const heard = new Hearing(discovery, "orders", env);
  await heard.until(() => true);
  server.zones.set("orders.test", { a: ["10.0.0.1", "10.0.0.2"], ttl: 1 });
  await heard.until(({ instances }) => instances.length === 2);
});

test(
  "a TTL of a day is believed for no longer than the bound, and one of nothing does not flood the server",
  limit,
  async () => {
    await using server = await served({ a: ["10.0.0.1"], ttl: 86_400 });
    await using discovery = askAt(server, { refreshMsMin: 50, refreshMsMax: 100 });
    const heard = new Hearing(discovery, "orders", env);
    await heard.until(() => true);
    server.zones.set("orders.test", { a: ["10.0.0.2"], ttl: 0 });
    await heard.until((snapshot) => addresses(snapshot)[0] === "tcp://10.0.0.2:7400");
    const before = server.asked.length;
    await sleep(env, 500);
    // Two questions, A and AAAA, each 45 to 55 ms.
    ok(server.asked.length - before <= 2 * 12, `${server.asked.length - before} questions`);
  },
);

test("a name that has nothing is told so, and asked for again", limit, async () => {
  await using server = await NameServer.start();
  await using discovery = askAt(server, { negativeMs: 30 });
  const heard = new Hearing(discovery, "orders", env);
  const { status, instances } = await heard.until(() => true);
  deepEqual({ status, instances }, { status: "ok", instances: [] });
  server.zones.set("orders.test", { a: ["10.0.0.1"] });
  await heard.until((snapshot) => snapshot.instances.length === 1);
});

test("an empty answer after a full one empties no set of endpoints", limit, async () => {
  await using server = await served({ a: ["10.0.0.1", "10.0.0.2"] });
  await using discovery = askAt(server, { refreshMsMax: 50, negativeMs: 30 });
  const set = new EndpointSet({ service: "orders", debounceMs: 10 }, env);
  const heard = new Hearing(discovery, "orders", env);
  set.apply(await heard.until(({ instances }) => instances.length === 2));
  server.zones.set("orders.test", {});
  set.apply(
    await heard.until(({ status, instances }) => status === "ok" && instances.length === 0),
  );
  await sleep(env, 50);
  deepEqual(
    set.members.map(({ state }) => state),
    ["absent", "absent"],
  );
  set.close();
});

test(
  "a server that fails for one family takes away neither the other nor what was known",
  limit,
  async () => {
    const both = { a: ["10.0.0.1"], aaaa: ["2001:db8:0:0:0:0:0:7"] };
    await using server = await served(both);
    await using discovery = askAt(server, { refreshMsMax: 50 });
    const heard = new Hearing(discovery, "orders", env);
    await heard.until(({ instances }) => instances.length === 2);
    server.zones.set("orders.test", { ...both, a: ["10.0.0.2"], rcode: { [types.aaaa]: 2 } });
    const told = await heard.until((snapshot) => addresses(snapshot)[0] === "tcp://10.0.0.2:7400");
    deepEqual(addresses(told), ["tcp://10.0.0.2:7400", "tcp://[2001:db8::7]:7400"]);
  },
);

test("a server that fails, is silent, or answers nonsense, changes nothing", limit, async () => {
  await using server = await served({ a: ["10.0.0.1"] });
  await using discovery = askAt(server, { refreshMsMax: 50 });
  const heard = new Hearing(discovery, "orders", env);
  for (const zone of [{ rcode: 2 }, { garbage: Buffer.from("nonsense") }]) {
    server.zones.set("orders.test", { a: ["10.0.0.1"] });
    await heard.until(({ status }) => status === "ok");
    server.zones.set("orders.test", zone);
    const { instances, problem } = await heard.until(({ status }) => status === "unavailable");
    equal(instances.length, 1);
    match(problem!, /query/);
  }
});

test(
  "services say host, port and weight; those of the best priority are taken",
  limit,
  async () => {
    const srv = [
      { target: "a.test", port: 1, priority: 1, weight: 3 },
      { target: "b.test", port: 2, priority: 1, weight: 0 },
      { target: "c.test", port: 3, priority: 2 },
    ];
    await using server = await served({ srv }, "_orders._tcp.test");
    await using discovery = dns({
      name: "_orders._tcp.test",
      scheme: "tls",
      servers: [server.address],
    });
    const { instances } = await new Hearing(discovery, "orders", env).until(() => true);
    deepEqual(
      instances.map(({ addresses: [address], weight }) => [address, weight]),
      [
        ["tls://a.test:1", 3],
        ["tls://b.test:2", undefined],
      ],
    );
  },
);

test("a record whose target is the root says that there is no such service", limit, async () => {
  await using server = await served({ srv: [{ target: ".", port: 0 }] }, "_orders._tcp.test");
  await using discovery = dns({ name: "_{service}._tcp.test", servers: [server.address] });
  const { status, instances } = await new Hearing(discovery, "orders", env).until(() => true);
  deepEqual({ status, instances }, { status: "ok", instances: [] });
});

test("what is no name or no port is refused", () => {
  for (const options of [
    { name: "" },
    { name: "a b" },
    { name: "a", port: 0 },
    { name: "a", refreshMsMin: 60_000 },
  ])
    throws(() => dns(options), { code: "INVALID_ARGUMENT", executed: "no" });
});

const skip = missing(dnsmasqAt("dnsmasq", 0, {})) ?? false;

suite("with a real dnsmasq", { skip, ...limit }, () => {
  test("its addresses and services are found, it may go and come back with others", async () => {
    const port = await freePort();
    const records = {
      "orders.test": ["10.0.0.1", "10.0.0.2"],
      "_orders._tcp.test": ["a.test,7400,1,5"],
    };
    const servers = [`127.0.0.1:${port}`];
    const options = { servers, answerMs: 200, refreshMsMin: 50, refreshMsMax: 200 };
    await using byAddress = dns({ name: "orders.test", port: 7400, ...options });
    await using byService = dns({ name: "_orders._tcp.test", ...options });
    const [hosts, services] = [byAddress, byService].map(
      (each) => new Hearing(each, "orders", env),
    );
    {
      await using _server = await running(dnsmasqAt("dnsmasq", port, records));
      const told = await hosts!.until(
        ({ status, instances }) => status === "ok" && instances.length === 2,
      );
      deepEqual(addresses(told), ["tcp://10.0.0.1:7400", "tcp://10.0.0.2:7400"]);
      const { instances } = await services!.until(
        (each) => each.status === "ok" && each.instances.length === 1,
      );
      deepEqual([instances[0]!.addresses, instances[0]!.weight], [["tcp://a.test:7400"], 5]);
    }
    const during = await hosts!.until(({ status }) => status === "unavailable");
    equal(during.instances.length, 2);
    await using _next = await running(dnsmasqAt("dnsmasq", port, { "orders.test": ["10.0.0.3"] }));
    const after = await hosts!.until((each) => each.status === "ok");
    deepEqual(addresses(after), ["tcp://10.0.0.3:7400"]);
  });
});
