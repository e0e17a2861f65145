import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

import { sleep } from "../../base/alarm.ts";
import { realEnv } from "../../base/real-env.ts";
import { Hearing, instance } from "../suite/stage.ts";
import { kubernetes, type KubernetesOptions } from "./index.ts";
import { instancesIn } from "./slices.ts";
import { PlayedApiServer, sliceFor } from "./testing/api-server.ts";

const env = realEnv();

interface Stand extends AsyncDisposable {
  readonly server: PlayedApiServer;
  readonly url: string;
  readonly options: KubernetesOptions;
}

async function stand(): Promise<Stand> {
  const server = new PlayedApiServer();
  const url = await server.listen();
  const options = { url, token: server.token, namespace: "shop", answerMs: 500 };
  return { server, url, options, [Symbol.asyncDispose]: () => server.close() };
}

function pod(name: string, address: string, conditions = {}): object {
  return { addresses: [address], conditions, targetRef: { name, uid: `uid-${name}` } };
}

suite("with a played API server, in the shapes that Kubernetes documents", () => {
  test("a watch goes on from the version of the list, and bookmarks tell nothing", async () => {
    await using played = await stand();
    const { server, options } = played;
    server.set(sliceFor("orders", [pod("a", "10.0.0.1")] as never));
    await using client = kubernetes(options);
    const heard = new Hearing(client, "orders", env);
    await heard.ids("a");
    while (server.watches === 0) await sleep(env, 5);
    server.bookmark();
    server.set(sliceFor("orders", [pod("a", "10.0.0.1"), pod("b", "10.0.0.2")] as never));
    await heard.ids("a", "b");
    equal(heard.snapshots.length, 2);
    const [list, watch] = server.asked;
    equal(list!.searchParams.get("labelSelector"), "kubernetes.io/service-name=orders");
    equal(watch!.searchParams.get("resourceVersion"), "2");
    equal(watch!.searchParams.get("allowWatchBookmarks"), "true");
    const seconds = Number(watch!.searchParams.get("timeoutSeconds"));
    ok(seconds >= 225 && seconds <= 375, `${seconds}`);
  });

  for (const [how, provoke] of [
    ["by an event of the watch", (server: PlayedApiServer) => server.expire()],
    [
      "by the status of the watch",
      (server: PlayedApiServer) => {
        server.compact();
        server.endWatches();
      },
    ],
  ] as const) {
    test(`410 Gone, ${how}: everything is listed anew, and nobody is told of an outage`, async () => {
      await using played = await stand();
      const { server, options } = played;
      await using client = kubernetes(options);
      const heard = new Hearing(client, "orders", env);
      await heard.ids();
      while (server.watches === 0) await sleep(env, 5);
      provoke(server);
      server.set(sliceFor("orders", [pod("a", "10.0.0.1")] as never));
      await heard.ids("a");
      deepEqual([...new Set(heard.snapshots.map(({ status }) => status))], ["ok"]);
    });
  }

  test(
    "a watch that is silent for too long is asked anew, and a silent API server is noticed",
    { timeout: 60_000 },
    async () => {
      await using played = await stand();
      const { server, options } = played;
      server.set(sliceFor("orders", [pod("a", "10.0.0.1")] as never));
      await using client = kubernetes({ ...options, silentMs: 300 });
      const heard = new Hearing(client, "orders", env);
      await heard.ids("a");
      server.silence();
      const { instances, problem } = await heard.until(({ status }) => status === "unavailable");
      equal(instances.length, 1);
      match(problem!, /did not answer within 500 ms/);
      server.speak();
      await heard.ids("a");
    },
  );

  test("who may not look is told what is missing", async () => {
    await using played = await stand();
    const { server, options } = played;
    await using stranger = kubernetes({ ...options, token: "wrong" });
    const first = await new Hearing(stranger, "orders", env).until(() => true);
    match(first.problem!, /kubernetes: Unauthorized; give a `token`/);
    server.refusal = { code: 403, message: "endpointslices is forbidden" };
    await using client = kubernetes(options);
    const second = await new Hearing(client, "orders", env).until(() => true);
    match(second.problem!, /forbidden; let the service account get, list and watch/);
  });

  test("in a pod, token and namespace come from the files of its account, the token anew for each question", async () => {
    await using played = await stand();
    const { server, url } = played;
    const accountFolder = await mkdtemp(join(tmpdir(), "trunkline-account-"));
    try {
      await using client = kubernetes({ url, accountFolder });
      const heard = new Hearing(client, "orderLines", env);
      const { problem } = await heard.until(() => true);
      match(problem!, /namespace cannot be read; outside a pod give `url`/);
      await writeFile(join(accountFolder, "namespace"), "shop\n");
      await writeFile(join(accountFolder, "token"), "expired\n");
      heard.watch.refresh();
      while (server.asked.length === 0) await sleep(env, 5);
      await writeFile(join(accountFolder, "token"), `${server.token}\n`);
      heard.watch.refresh();
      await heard.ids();
      const selector = server.asked.at(-1)!.searchParams.get("labelSelector");
      equal(selector, "kubernetes.io/service-name=order-lines");
    } finally {
      await rm(accountFolder, { recursive: true });
    }
  });

  test("nothing can be registered: Kubernetes does that itself", async () => {
    await using client = kubernetes({ url: "http://127.0.0.1:1" });
    await rejects(client.register(instance("a"), {}, env), {
      code: "UNIMPLEMENTED",
      advice: /make a Service that selects them/,
    });
  });
});

test("conditions become states: ready, starting, draining, or gone", () => {
  const states = (conditions: object): string[] =>
    instancesIn(
      [sliceFor("orders", [pod("a", "10.0.0.1", conditions)] as never)],
      "orders",
      "tcp",
    ).map(({ state }) => state);
  deepEqual(states({}), ["ready"]);
  deepEqual(states({ ready: null }), ["ready"]);
  deepEqual(states({ ready: true, serving: true, terminating: false }), ["ready"]);
  deepEqual(states({ ready: false, serving: false, terminating: false }), ["starting"]);
  deepEqual(states({ ready: false, serving: true, terminating: true }), ["draining"]);
  deepEqual(states({ ready: false, serving: false, terminating: true }), []);
  deepEqual(states({ ready: false, terminating: true }), []);
});

test("ports become addresses by their appProtocol or the beginning of their name; other ports are nobody's", () => {
  const addresses = (port: object, host = "10.0.0.1"): readonly string[] =>
    instancesIn(
      [sliceFor("orders", [pod("a", host)] as never, { ports: [port] as never })],
      "orders",
      "tls",
    )[0]!.addresses;
  deepEqual(addresses({ name: "grpc-orders", port: 1 }), ["grpc://10.0.0.1:1"]);
  deepEqual(addresses({ name: "web", port: 1, appProtocol: "https" }), ["https://10.0.0.1:1"]);
  deepEqual(addresses({ name: "x", port: 1, appProtocol: "kubernetes.io/h2c" }), [
    "http://10.0.0.1:1",
  ]);
  deepEqual(addresses({ name: "", port: 1, protocol: "TCP" }, "fd00::1"), ["tls://[fd00::1]:1"]);
  deepEqual(addresses({ name: "rsocket", port: 1 }), ["tls://10.0.0.1:1"]);
  deepEqual(addresses({ name: "metrics", port: 1 }), []);
  deepEqual(addresses({ name: "grpc", port: 1, protocol: "UDP" }), []);
  deepEqual(addresses({ name: "mysql", port: 1, appProtocol: "mysql" }), []);
});

test("an endpoint in two slices is one instance: with all its addresses, and the better of its states", () => {
  const endpoint = { zone: "eu-1", nodeName: "n1" };
  const labels = { "kubernetes.io/service-name": "orders", "trunkline.dev/lane": "blue" };
  const metadata = { name: "orders-4", labels };
  const four = { ...pod("a", "10.0.0.1", { ready: false }), ...endpoint };
  const six = { ...pod("a", "fd00::1", { ready: true }), ...endpoint };
  const found = instancesIn(
    [
      sliceFor("orders", [four] as never, { metadata }),
      sliceFor("orders", [six] as never, { metadata }),
    ],
    "orders",
    "tcp",
  );
  deepEqual(found, [
    {
      id: "a",
      bootId: "uid-a",
      contracts: ["orders"],
      addresses: ["tcp://10.0.0.1:7400", "tcp://[fd00::1]:7400"],
      state: "ready",
      lane: "blue",
      locality: { zone: "eu-1" },
      meta: { node: "n1", pod: "a" },
    },
  ]);
});
