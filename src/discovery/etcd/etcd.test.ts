import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { suite, test } from "node:test";

import { etcdAt } from "../../../scripts/servers/etcd.ts";
import { freePort, missing } from "../../../scripts/servers/for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { sleep } from "../../base/alarm.ts";
import { realEnv } from "../../base/real-env.ts";
import { Hearing, instance } from "../suite/stage.ts";
import { endOf, EtcdGateway } from "./gateway.ts";
import { etcd, type EtcdOptions } from "./index.ts";
import { RawEtcd } from "./testing/raw.ts";

const env = realEnv();
const skip = missing(etcdAt("etcd", 0, 0)) ?? false;

async function started(): Promise<Running> {
  return running(etcdAt("etcd", await freePort(), await freePort()));
}

function optionsFor({ address }: Running): EtcdOptions {
  return { urls: [`http://${address}`], answerMs: 500, resyncMs: 1_000 };
}

suite("a real etcd", { skip, timeout: 60_000 }, () => {
  test("is killed and comes back with its state: nobody has lost anybody", async () => {
    await using server = await started();
    await using client = etcd(optionsFor(server));
    const heard = new Hearing(client, "orders", env);
    const changes: boolean[] = [];
    const onChange = (held: boolean): void => void changes.push(held);
    const lease = await client.register(instance("a"), { ttlMs: 10_000, onChange }, env);
    const before = await heard.ids("a");
    await server.kill();
    const during = await heard.until(({ status }) => status === "unavailable");
    deepEqual(during.instances, before.instances);
    match(during.problem!, /etcd: .* does not answer: .*ECONNREFUSED|closed/);
    await server.restart();
    await heard.ids("a");
    equal(lease.held, true);
    deepEqual(changes, []);
  });

  test("is killed and comes back empty: who is registered is so again", async () => {
    await using server = await started();
    await using client = etcd(optionsFor(server));
    const heard = new Hearing(client, "orders", env);
    const lease = await client.register(instance("a"), { ttlMs: 1_500 }, env);
    const { revision } = await heard.ids("a");
    await server.wipe();
    await heard.until((snapshot) => snapshot.revision > revision);
    await heard.ids("a");
    while (!lease.held) await sleep(env, 10); // it learns that later than those who watch
  });

  test("stops answering without closing anything: that is noticed, and what it knew stays", async () => {
    await using server = await started();
    await using client = etcd(optionsFor(server));
    const heard = new Hearing(client, "orders", env);
    await client.register(instance("a"), { ttlMs: 30_000 }, env);
    const { instances } = await heard.ids("a");
    server.freeze();
    const during = await heard.until(({ status }) => status === "unavailable");
    deepEqual(during.instances, instances);
    match(during.problem!, /did not answer within 500 ms/);
    server.thaw();
    await heard.ids("a");
  });

  test("has compacted its history: the watch ends, so that everything is read anew", async () => {
    await using server = await started();
    const raw = new RawEtcd(`http://${server.address}`, "x/");
    await raw.put("orders", [instance("a"), instance("b")]);
    await raw.post("/v3/kv/compaction", { revision: "3" });
    const { urls = [] } = optionsFor(server);
    const gateway = new EtcdGateway({ urls, user: undefined, tls: undefined, answerMs: 500 });
    const told: unknown[] = [];
    const ask = { from: "x/", end: endOf("x/"), revision: 1n, forMs: Infinity };
    const { signal } = new AbortController();
    const how = await gateway.watch(ask, (changes) => told.push(changes), env, signal);
    deepEqual([how, told], ["resync", []]);
    await gateway.close();
  });

  test("wants to know who asks: that is said, and with the right password all goes well", async () => {
    await using server = await started();
    const raw = new RawEtcd(`http://${server.address}`, "trunkline/");
    await raw.post("/v3/auth/user/add", { name: "root", password: "right" });
    await raw.post("/v3/auth/role/add", { name: "root" });
    await raw.post("/v3/auth/user/grant", { user: "root", role: "root" });
    await raw.post("/v3/auth/user/add", { name: "guest", password: "guest" });
    await raw.post("/v3/auth/enable", {});
    const options = optionsFor(server);
    for (const [user, code] of [
      [undefined, "UNAUTHENTICATED"],
      [{ name: "root", password: "wrong" }, "UNAUTHENTICATED"],
      [{ name: "guest", password: "guest" }, "PERMISSION_DENIED"],
    ] as const) {
      await using client = etcd({ ...options, ...(user === undefined ? {} : { user }) });
      await rejects(client.register(instance("a"), {}, env), { code, executed: "no" });
      const heard = new Hearing(client, "orders", env);
      const { status, problem } = await heard.until(() => true);
      equal(status, "unavailable");
      match(problem!, /etcd: .*; let the user of the option `user`/);
    }
    await using client = etcd({ ...options, user: { name: "root", password: "right" } });
    const heard = new Hearing(client, "orders", env);
    await client.register(instance("a"), {}, env);
    await heard.ids("a");
    await server.kill(); // which forgets the tokens that it has given out
    await heard.until(({ status }) => status === "unavailable");
    await server.restart();
    await heard.ids("a");
    await client.register(instance("b"), {}, env);
    await heard.ids("a", "b");
  });

  test("is one of several: the next is asked when one does not answer", async () => {
    await using server = await started();
    const { urls = [], ...options } = optionsFor(server);
    const dead = `http://127.0.0.1:${await freePort()}`;
    await using client = etcd({ ...options, urls: [dead, ...urls] });
    const heard = new Hearing(client, "orders", env);
    await client.register(instance("a"), {}, env);
    await heard.ids("a");
  });
});

test("an address that is none is refused at once", () => {
  for (const url of ["127.0.0.1:2379", "http://me:secret@etcd:2379", "http://etcd:2379/v3"])
    try {
      etcd({ urls: [url] });
      throw new Error(`${url} was taken`);
    } catch (error) {
      match((error as Error).message, /not the address of a server/);
      equal((error as Error).message.includes("secret"), false);
    }
});
