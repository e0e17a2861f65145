import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { suite, test } from "node:test";

import { consulAt } from "../../../scripts/servers/consul.ts";
import { freePort, missing } from "../../../scripts/servers/for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { sleep } from "../../base/alarm.ts";
import { realEnv } from "../../base/real-env.ts";
import { Hearing, instance } from "../suite/stage.ts";
import { consul, type ConsulOptions } from "./index.ts";
import { RawConsul } from "./testing/raw.ts";

const env = realEnv();
const skip = missing(consulAt("consul", 0, { rpc: 0, serf: 0 })) ?? false;

async function started(configuration?: string): Promise<Running> {
  const ports = { rpc: await freePort(), serf: await freePort() };
  return running(consulAt("consul", await freePort(), ports, configuration));
}

function optionsFor({ address }: Running): ConsulOptions {
  return { urls: [`http://${address}`], answerMs: 500, waitMs: 1_000 };
}

suite("a real Consul", { skip, timeout: 60_000 }, () => {
  test("is killed and comes back with its state: the lease goes on", async () => {
    await using server = await started();
    await using client = consul(optionsFor(server));
    const heard = new Hearing(client, "orders", env);
    const lease = await client.register(instance("a"), { ttlMs: 10_000 }, env);
    const before = await heard.ids("a");
    await server.kill();
    const during = await heard.until(({ status }) => status === "unavailable");
    deepEqual(during.instances, before.instances);
    match(during.problem!, /consul: .* does not answer/);
    await server.restart();
    await heard.ids("a");
    equal(lease.held, true);
  });

  test("is killed and comes back empty: who is registered is so again", async () => {
    await using server = await started();
    await using client = consul(optionsFor(server));
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
    await using client = consul(optionsFor(server));
    const heard = new Hearing(client, "orders", env);
    await client.register(instance("a"), { ttlMs: 30_000 }, env);
    const { instances } = await heard.ids("a");
    server.freeze();
    const during = await heard.until(({ status }) => status === "unavailable");
    deepEqual(during.instances, instances);
    match(during.problem!, /did not answer within/);
    server.thaw();
    await heard.ids("a");
  });

  test("asks for a token: who has none cannot register, and is told what is missing", async () => {
    const acl = `acl { enabled = true default_policy = "deny" tokens { master = "root" agent = "root" } }`;
    await using server = await started(acl);
    // Its leader answers before it has made the tokens, that of nobody last.
    const nobody = "/v1/acl/token/00000000-0000-0000-0000-000000000002";
    const headers = { "x-consul-token": "root" };
    while (!(await fetch(`http://${server.address}${nobody}`, { headers })).ok)
      await sleep(env, 20);
    await using stranger = consul(optionsFor(server));
    await rejects(stranger.register(instance("a"), {}, env), {
      code: "PERMISSION_DENIED",
      reason: /consul: Permission denied/,
      advice: /`token` with service:read/,
    });
    await using client = consul({ ...optionsFor(server), token: "root" });
    const heard = new Hearing(client, "orders", env);
    await client.register(instance("a"), {}, env);
    await heard.ids("a");
  });

  test("knows services of others: they are left out, or reached by the scheme that is given", async () => {
    await using server = await started();
    const raw = new RawConsul(`http://${server.address}`, "");
    const service = { ID: "x", Name: "orders", Address: "127.0.0.1", Port: 8_080 };
    await raw.ask("PUT", "/v1/agent/service/register", service);
    await using without = consul(optionsFor(server));
    await new Hearing(without, "orders", env).ids();
    await using client = consul({ ...optionsFor(server), scheme: "http" });
    const { instances } = await new Hearing(client, "orders", env).ids("consul/x");
    deepEqual(instances[0]!.addresses, ["http://127.0.0.1:8080"]);
    deepEqual(instances[0]!.contracts, ["orders"]);
  });

  test("shows to others where an instance is reached: host and port of its first address that has some", async () => {
    await using server = await started();
    await using client = consul(optionsFor(server));
    const addresses = ["unix:/run/orders.sock", "tcp://[::1]:7400", "grpc://127.0.0.1:50051"];
    await client.register(instance("a", { addresses }), {}, env);
    const raw = new RawConsul(`http://${server.address}`, "");
    const services = (await raw.ask("GET", "/v1/agent/services")) as Record<string, unknown>;
    const { Address, Port, Tags } = services["orders:a"] as Record<string, unknown>;
    deepEqual({ Address, Port, Tags }, { Address: "::1", Port: 7_400, Tags: ["trunkline"] });
  });

  test("has no room for an instance that is too long, and says so before anything is registered", async () => {
    await using server = await started();
    await using client = consul(optionsFor(server));
    const meta = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`k${index}`, "ä".repeat(200)]),
    );
    await rejects(client.register(instance("a", { meta }), {}, env), { code: "INVALID_ARGUMENT" });
    const heard = new Hearing(client, "orders", env);
    await heard.ids();
  });
});
