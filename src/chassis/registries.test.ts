import { deepEqual, equal, match, notEqual, rejects, throws } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { systemError } from "../base/error.ts";
import { realEnv } from "../base/real-env.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Instance } from "../discovery/discovery.ts";
import { memory, MemoryRegistry } from "../discovery/memory/index.ts";
import { discoveryCases } from "../discovery/suite.ts";
import { Hearing } from "../discovery/suite/stage.ts";
import { LateDiscovery } from "./late-discovery.ts";
import { defaultDiscovery, discoveryAt, takeDiscovery } from "./registries.ts";

const instance: Instance = {
  id: "a",
  bootId: "1",
  contracts: ["orders@1"],
  addresses: ["tcp://127.0.0.1:1"],
  state: "ready",
};

test("each address names its registry", () => {
  const named = [
    "directory:",
    "directory:/run/x",
    "static:unix:/a,tcp://b:1",
    "memory:",
    "etcd://a:1,b:2",
    "consul://a:1",
    "kubernetes:shop",
    "registry+unix:/run/r.sock",
    "dns://orders.internal:7400",
    "dns+grpcs://{service}.internal:7400",
    "dns+srv://_orders._tcp.internal",
    "dns+srv+tls://_{service}._tcp.internal",
  ].map((text) => discoveryAt(text).name);
  deepEqual(named, [
    "directory",
    "directory",
    "static",
    "memory",
    "etcd",
    "consul",
    "kubernetes",
    "registry",
    "dns",
    "dns",
    "dns",
    "dns",
  ]);
});

test("what names no registry is refused with examples, and without credentials", () => {
  const refused = (text: string, words: RegExp): void =>
    throws(() => discoveryAt(text), { code: "INVALID_ARGUMENT", executed: "no", message: words });
  refused("zookeeper://a:1", /"zookeeper:\/\/a:1" names no registry[^]*etcd:\/\/host:2379/);
  refused("", /names no registry/);
  refused("constructor:", /names no registry/);
  refused("zk://me:secret@host:1", /"zk:\/\/\*\*\*@host:1"/);
  refused("dns://orders", /names nothing in DNS[^]*dns:\/\/orders.internal:7400/);
  refused("dns+srv://_orders._tcp:1", /names nothing in DNS/);
  refused("dns+udp://orders:1", /names nothing in DNS/);
  refused("dns://or ders:1", /dns: "or ders" is no name/);
  refused("static: ,", /static: names no address/);
});

test("a list of addresses is told as instances", async () => {
  const env = new VirtualEnv();
  await using list = discoveryAt("static: unix:/run/a.sock, tcp://10.0.0.1:7400");
  const { instances } = await new Hearing(list, "orders", env).until(() => true);
  deepEqual(
    instances.map(({ addresses }) => addresses),
    [["tcp://10.0.0.1:7400"], ["unix:/run/a.sock"]],
  );
});

test("a folder that is named is where instances are registered", async (context) => {
  const env = realEnv(); // no virtual time: it would not wait for the disk
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  context.after(() => rmSync(folder, { recursive: true }));
  await using registry = discoveryAt(`directory:${folder}`);
  await registry.register(instance, {}, env);
  deepEqual(readdirSync(folder), ["a.json"]);
});

test("the variable TRUNKLINE_DISCOVERY says where services are found, else it is the folder of the user", (context) => {
  const before = process.env["TRUNKLINE_DISCOVERY"];
  context.after(() => {
    if (before === undefined) delete process.env["TRUNKLINE_DISCOVERY"];
    else process.env["TRUNKLINE_DISCOVERY"] = before;
  });
  process.env["TRUNKLINE_DISCOVERY"] = "etcd://registry:2379";
  equal(defaultDiscovery(), "etcd://registry:2379");
  process.env["TRUNKLINE_DISCOVERY"] = "";
  equal(defaultDiscovery(), "directory:");
});

test("all of a process that name the same registry share it, until the last has given it back", async () => {
  const env = new VirtualEnv();
  const one = takeDiscovery("static:tcp://a:1", env);
  const two = takeDiscovery("static:tcp://a:1", env);
  equal(one.discovery, two.discovery);
  notEqual(takeDiscovery("static:tcp://b:1", env).discovery, one.discovery);
  const heard = new Hearing(one.discovery, "orders", env);
  await one.release();
  await one.release();
  await heard.until(({ instances }) => instances.length === 1);
  await two.release();
  notEqual(takeDiscovery("static:tcp://a:1", env).discovery, one.discovery);
});

test("a registry that was given is its owner's to close", async () => {
  const env = new VirtualEnv();
  await using own = memory(new MemoryRegistry());
  const taken = takeDiscovery(own, env);
  equal(taken.discovery, own);
  await own.register(instance, {}, env);
  await taken.release();
  await new Hearing(own, "orders", env).ids("a");
});

test("a registry that cannot be loaded is unavailable in words, and is asked for again", async () => {
  const env = new VirtualEnv();
  const registry = new MemoryRegistry();
  let missing = true;
  const load = async () => {
    if (missing) throw new Error("Cannot find package 'undici'");
    return memory(registry);
  };
  const late = new LateDiscovery("etcd", memory().capabilities, load);
  const heard = new Hearing(late, "orders", env);
  const { status, problem } = await heard.until(() => true);
  equal(status, "unavailable");
  match(problem!, /the registry etcd cannot be loaded: Cannot find package 'undici'/);
  await rejects(late.register(instance, {}, env), { code: "UNIMPLEMENTED", executed: "no" });
  missing = false;
  heard.watch.refresh();
  await heard.until(({ status: now }) => now === "ok");
  await late.close();
  equal(env.alarms, 0);
  const closed = systemError("UNAVAILABLE", "the registry is closed", { executed: "no" });
  await rejects(late.register(instance, {}, env), { code: closed.code });
});

// What is loaded late keeps the promises of what it loads.
const late = discoveryCases({
  capabilities: memory().capabilities,
  grips: ["interrupt", "forget"],
  env: () => new VirtualEnv(),
  open: async () => {
    const registry = new MemoryRegistry();
    return {
      client: () =>
        new LateDiscovery("memory", memory().capabilities, async () => memory(registry)),
      interrupt: async () => registry.interrupt(),
      restore: async () => registry.restore(),
      forget: async (id) => registry.forget(id),
      close: async () => {},
    };
  },
});

for (const { name, run } of late) test(`${name}, loaded late`, { timeout: 60_000 }, run);
