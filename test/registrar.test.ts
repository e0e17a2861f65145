// Third-party registration with processes of their own: services that register nothing themselves, one registrar or two that are
// killed, and a real registry.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { call, chassis, contract, serve } from "trunkline";
import * as z from "zod";
import { etcdAt } from "../scripts/servers/etcd.ts";
import { freePort, missing } from "../scripts/servers/for-tests.ts";
import { running } from "../scripts/servers/running.ts";
import { fromSource, start, type Program } from "./program.ts";

const root = join(import.meta.dirname, "..");
const skip = missing(etcdAt("etcd", 0, 0)) ?? false;
const ttlMs = 2_000;

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  { place: call({ in: z.string(), out: z.string() }) },
);

function registrarOf(...words: string[]): Program {
  const main = join(root, "src/cli/main.ts");
  return start(process.execPath, [...fromSource, main, "registrar", ...words, "--json"], root);
}

interface Registered {
  readonly id: string;
  readonly bootId: string;
}

/** Who is registered, as somebody sees who asks now. */
async function registeredAt(url: string): Promise<Registered[]> {
  const all = { key: btoa("trunkline/services/"), range_end: btoa("trunkline/services0") };
  const answer = await fetch(`${url}/v3/kv/range`, { method: "POST", body: JSON.stringify(all) });
  const { kvs = [] } = (await answer.json()) as { readonly kvs?: readonly { value: string }[] };
  return kvs.map(({ value }) => JSON.parse(atob(value)) as Registered);
}

async function until(url: string, ids: string): Promise<void> {
  const told = async (): Promise<string> => (await registeredAt(url)).map(({ id }) => id).join();
  while ((await told()) !== ids) await pause(20);
}

suite("a registrar as a process, and a real etcd", { skip, timeout: 120_000 }, () => {
  test("it is killed: a second one goes on, and when that is killed too the lease runs out", async () => {
    await using server = await running(etcdAt("etcd", await freePort(), await freePort()));
    const url = `http://${server.address}`;
    const folder = mkdtempSync(join(tmpdir(), "trunkline-registrar-"));
    const address = `unix:${join(folder, "orders.sock")}`;
    await using app = await chassis({
      name: "orders",
      listen: [address],
      serve: [serve(Orders, { place: async (item) => item })],
    });
    const list = join(folder, "services.json");
    const entry = { id: "orders-1", contracts: ["orders@1"], addresses: [...app.addresses] };
    writeFileSync(list, JSON.stringify({ instances: [{ ...entry, pid: process.pid }] }));
    const words = [
      list,
      "--discovery",
      `etcd://${server.address}`,
      "--ttl",
      `${ttlMs}ms`,
      "--check",
      "500ms",
    ];
    const [one, other] = [registrarOf(...words), registrarOf(...words)];
    try {
      await until(url, "orders-1");
      one.kill("SIGKILL");
      await one.ended;
      const boots = new Set<string>();
      for (const end = Date.now() + ttlMs * 3; Date.now() < end; await pause(50))
        for (const { bootId } of await registeredAt(url)) boots.add(bootId);
      equal(boots.size, 1, "one life of it, whoever registers it");
      await until(url, "orders-1");
      other.kill("SIGKILL");
      await other.ended;
      await until(url, "");
    } finally {
      for (const each of [one, other]) each.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });

  test("it starts what it registers, and is told to stop: nobody finds it any more, and it is stopped", async () => {
    await using server = await running(etcdAt("etcd", await freePort(), await freePort()));
    const url = `http://${server.address}`;
    const folder = mkdtempSync(join(tmpdir(), "trunkline-registrar-"));
    const list = join(folder, "services.json");
    const socket = join(folder, "x.sock");
    const program = `require("net").createServer().listen(process.argv[1])`;
    const command = [process.execPath, "-e", program, socket];
    const entry = { id: "x", contracts: ["orders@1"], addresses: [`unix:${socket}`], command };
    writeFileSync(list, JSON.stringify({ instances: [{ ...entry, check: "tcp" }] }));
    const one = registrarOf(list, "--discovery", `etcd://${server.address}`, "--check", "200ms");
    try {
      await until(url, "x");
      one.kill("SIGTERM");
      const { code, stdout, stderr } = await one.ended;
      equal(code, 0, stderr);
      deepEqual(await registeredAt(url), []);
      const lines = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object);
      deepEqual(lines.at(-1), { ok: true, targets: 1 });
      match(stdout, /"what":"registered"/);
      ok(stdout.includes(`"reason":"the registrar stops"`));
    } finally {
      one.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });
});

test("a registrar without anything to do, or without a registry, says how it is called", async () => {
  const none = await registrarOf().ended;
  equal(none.code, 2);
  match(none.stdout, /name a FILE, or --docker, or both/);
  const wrong = await registrarOf("x.json", "--discovery", "zookeeper://a:1").ended;
  equal(wrong.code, 2);
  match(wrong.stdout, /names no registry; write one of/);
});
