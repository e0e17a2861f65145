import assert from "node:assert/strict";
import { once, type EventEmitter } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { request as requestSecurely } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { connect } from "amqplib";

import { realEnv } from "../../base/real-env.ts";
import type { Node } from "../../broker/embedded/node.ts";
import { ModelStorage } from "../../broker/embedded/testing/model-storage.ts";
import { testAuthority } from "../../transport/tls/testing/authority.ts";
import { management } from "./server.ts";
import { managed, type Answered } from "./testing/managed.ts";

test("whoever is not known, or has no tag, is told nothing", async () => {
  await using broker = await managed();
  const { node, ask } = broker;
  await node.access.users.set("ann", { password: "p" }, []);
  for (const [user, reason] of [
    ["guest:wrong", "Login failed"],
    ["nobody:guest", "Login failed"],
    ["ann:p", "Not management user"],
  ] as const) {
    const { status, body, headers } = await ask("GET", "overview", undefined, user);
    assert.deepEqual([status, body], [401, { error: "not_authorized", reason }]);
    assert.match(headers.get("www-authenticate") ?? "", /^Basic /);
  }
  const bare = await fetch(`http://127.0.0.1:${broker.port}/api/overview`, {
    headers: { connection: "close" },
  });
  assert.equal(bare.status, 401);
  await bare.arrayBuffer();
});

test("each sees and does what tags and permissions let it", async () => {
  await using broker = await managed();
  const { node, ask } = broker;
  const { access } = node;
  node.addHost("other");
  await access.users.set("own", { password: "p" }, ["management"]);
  await access.users.set("mon", { password: "p" }, ["monitoring"]);
  await access.users.set("pol", { password: "p" }, ["policymaker"]);
  access.permit({ user: "own", host: "/", configure: "^own", write: "^own", read: "^own" });
  access.permit({ user: "pol", host: "/", configure: "", write: "", read: "" });
  const statuses = async (user: string): Promise<readonly number[]> => {
    const policy = { pattern: ".*", definition: { "max-length": 1 } };
    const answers = [
      await ask("GET", "vhosts/other", undefined, user),
      await ask("GET", "nodes", undefined, user),
      await ask("GET", "users", undefined, user),
      await ask("PUT", "queues/%2F/own.q", {}, user),
      await ask("PUT", "queues/%2F/q", {}, user),
      await ask("PUT", "policies/%2F/p", policy, user),
      await ask("PUT", "operator-policies/%2F/p", policy, user),
      await ask("PUT", "vhosts/more", {}, user),
    ];
    return answers.map(({ status }) => status);
  };
  assert.deepEqual(await statuses("own:p"), [401, 401, 401, 201, 401, 401, 401, 401]);
  assert.deepEqual(await statuses("mon:p"), [200, 200, 401, 401, 401, 401, 401, 401]);
  assert.deepEqual(await statuses("pol:p"), [401, 401, 401, 401, 401, 201, 401, 401]);
  assert.deepEqual(await statuses("guest:guest"), [200, 200, 200, 204, 201, 204, 201, 201]);
  const { body } = await ask("GET", "vhosts", undefined, "own:p");
  assert.deepEqual(
    body.map(({ name }) => name),
    ["/"],
  );
});

test("what is put is there, can be put again, and is gone when deleted", async () => {
  await using broker = await managed();
  const { ask } = broker;
  const items: readonly (readonly [string, unknown])[] = [
    ["vhosts/v", {}],
    ["users/ann", { password: "p", tags: "monitoring,other" }],
    ["permissions/v/ann", { configure: "", write: ".*", read: "^q" }],
    ["topic-permissions/v/ann", { exchange: "e", write: "^a", read: "" }],
    ["exchanges/v/e", { type: "topic" }],
    ["queues/v/q", { arguments: { "x-max-length": 5 } }],
    ["policies/v/p", { pattern: "^q", definition: { expires: 60_000 }, "apply-to": "queues" }],
    ["operator-policies/v/o", { pattern: "^q", definition: { "max-length": 3 } }],
  ];
  for (const [path, body] of items) {
    assert.equal((await ask("PUT", path, body)).status, 201, path);
    assert.equal((await ask("PUT", path, body)).status, 204, path);
    assert.equal((await ask("GET", path)).status, 200, path);
  }
  const { body: queue } = await ask("GET", "queues/v/q");
  assert.deepEqual(
    [queue["policy"], queue["operator_policy"], queue["effective_policy_definition"]],
    ["p", "o", { expires: 60_000, "max-length": 3 }],
  );
  assert.deepEqual((await ask("GET", "users/ann")).body["tags"], ["monitoring", "other"]);
  for (const [path] of items.toReversed()) {
    assert.equal((await ask("DELETE", path)).status, 204, path);
    if (!path.startsWith("topic-permissions"))
      assert.equal((await ask("GET", path)).status, 404, path);
  }
});

test("a policy takes hold of a queue that is there, and lets go of it", async () => {
  await using broker = await managed();
  const { node, ask } = broker;
  await ask("PUT", "queues/%2F/q", {});
  for (let i = 0; i < 5; i++)
    await ask("POST", "exchanges/%2F/amq.default/publish", {
      ...{ routing_key: "q", payload: `${i}`, properties: {} },
    });
  const queue = node.host("/").known("q");
  assert.equal(queue.ready, 5);
  await ask("PUT", "policies/%2F/p", { pattern: "^q$", definition: { "max-length": 2 } });
  assert.equal(queue.ready, 2);
  assert.equal(queue.terms.lengthMax, 2);
  await ask("DELETE", "policies/%2F/p");
  assert.equal(queue.terms.lengthMax, undefined);
});

test("a queue that is there with other arguments is refused in RabbitMQ's words", async () => {
  await using broker = await managed();
  const { ask } = broker;
  await ask("PUT", "queues/%2F/q", { arguments: { "x-max-length": 5 } });
  const { status, body } = await ask("PUT", "queues/%2F/q", { arguments: { "x-max-length": 6 } });
  assert.equal(status, 400);
  assert.match(String(body["reason"]), /PRECONDITION_FAILED - inequivalent arg 'x-max-length'/);
  const wrong = await ask("PUT", "queues/%2F/r", { arguments: { "x-message-ttl": -1 } });
  assert.deepEqual(
    [wrong.status, wrong.body["reason"]],
    [
      400,
      "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'r' in vhost '/': {value_negative,-1}",
    ],
  );
});

test("messages are published, and got in each of the four ways", async () => {
  await using broker = await managed();
  const { node, ask } = broker;
  await ask("PUT", "queues/%2F/q", {});
  const message = {
    ...{ routing_key: "q", payload: "AP8=", payload_encoding: "base64" },
    properties: { delivery_mode: 2, headers: { n: 1 }, content_type: "a/b" },
  };
  const published = await ask("POST", "exchanges/%2F/amq.default/publish", message);
  assert.deepEqual(published.body, { routed: true });
  const nowhere = { ...message, routing_key: "nowhere" };
  const lost = await ask("POST", "exchanges/%2F/amq.default/publish", nowhere);
  assert.deepEqual(lost.body, { routed: false });

  const get = { count: 5, encoding: "auto" };
  const first = await ask("POST", "queues/%2F/q/get", { ...get, ackmode: "ack_requeue_true" });
  assert.deepEqual(first.body, [
    {
      ...{ payload_bytes: 2, redelivered: false, exchange: "", routing_key: "q" },
      ...{ message_count: 0, properties: message.properties },
      ...{ payload: "AP8=", payload_encoding: "base64" },
    },
  ]);
  await ask("POST", "queues/%2F/q/get", { ...get, ackmode: "reject_requeue_true" });
  assert.equal(node.host("/").known("q").ready, 1);
  const last = await ask("POST", "queues/%2F/q/get", { ...get, ackmode: "ack_requeue_false" });
  assert.equal(last.body[0]?.["redelivered"], true);
  assert.equal(node.host("/").known("q").count, 0);
});

test("what a message says of itself counts as if it came by AMQP", async () => {
  await using broker = await managed();
  const { node, ask } = broker;
  await ask("PUT", "queues/%2F/q", { durable: true });
  const path = "exchanges/%2F/amq.default/publish";
  const publish = (properties: object): Promise<Answered> =>
    ask("POST", path, { routing_key: "q", payload: "x", properties });
  assert.equal((await publish({ user_id: "guest" })).status, 200);
  const other = await publish({ user_id: "ann" });
  assert.equal(other.status, 400);
  assert.match(
    String(other.body["reason"]),
    /^PRECONDITION_FAILED - user_id property set to 'ann'/,
  );
  assert.equal((await publish({ expiration: "soon" })).status, 400);
  assert.equal((await publish({ colour: "red" })).status, 400);
  await publish({ headers: { "x-delay": 3_600_000 } });
  const queue = node.host("/").known("q");
  assert.deepEqual([queue.ready, queue.held], [1, 1]);
});

test("bindings are made, found by their key, and removed", async () => {
  await using broker = await managed();
  const { ask } = broker;
  await ask("PUT", "queues/%2F/q", {});
  const path = "bindings/%2F/e/amq.topic/q/q";
  for (const body of [
    { routing_key: "a.#/~ b" },
    { routing_key: "" },
    { routing_key: "k", arguments: { x: 1 } },
  ]) {
    const made = await ask("POST", path, body);
    assert.equal(made.status, 201);
    const location = made.headers.get("location")!.replace("/api/", "");
    const { body: found } = await ask("GET", location);
    assert.equal(found["routing_key"], body.routing_key);
    assert.equal((await ask("GET", path)).body.length, 1);
    assert.equal((await ask("DELETE", location)).status, 204);
    assert.equal((await ask("GET", location)).status, 404);
  }
});

test("connections and channels are shown, and closed with a reason", async () => {
  await using broker = await managed();
  const { amqp, ask } = broker;
  const client = await connect(amqp, { clientProperties: { connection_name: "here" } });
  const closed = once(client, "close");
  const channel = await client.createConfirmChannel();
  await channel.prefetch(7);
  await channel.assertQueue("q");
  await channel.consume("q", () => undefined, { consumerTag: "tag" });

  const { body: connections } = await ask("GET", "connections");
  assert.equal(connections.length, 1);
  const { name, user, vhost, channels, user_provided_name } = connections[0]!;
  assert.deepEqual([user, vhost, channels, user_provided_name], ["guest", "/", 1, "here"]);
  const { body: all } = await ask("GET", "channels");
  const { confirm, prefetch_count, consumer_count } = all[0]!;
  assert.deepEqual([confirm, prefetch_count, consumer_count], [true, 7, 1]);
  const { body: consumers } = await ask("GET", "consumers/%2F");
  assert.equal(consumers[0]?.["consumer_tag"], "tag");

  const path = `connections/${encodeURIComponent(String(name))}`;
  assert.equal((await ask("DELETE", path)).status, 204);
  assert.match(messageOf(await closed), /CONNECTION_FORCED - Closed via management plugin/);
});

test("a user that is deleted, or whose virtual host is, is disconnected", async () => {
  await using broker = await managed();
  const { amqp, ask } = broker;
  await ask("PUT", "users/ann", { password: "p", tags: "" });
  await ask("PUT", "vhosts/v", {});
  for (const host of ["v", "%2F"])
    await ask("PUT", `permissions/${host}/ann`, { configure: ".*", write: ".*", read: ".*" });
  for (const [host, path] of [
    ["v", "vhosts/v"],
    ["%2F", "users/ann"],
  ] as const) {
    const client = await connect(`${amqp.replace("guest:guest", "ann:p")}/${host}`);
    const closed = once(client, "close");
    assert.equal((await ask("DELETE", path)).status, 204);
    assert.match(messageOf(await closed), /CONNECTION_FORCED .* is deleted/);
  }
});

test("lists come in pages, in an order, with the columns that are wanted", async () => {
  await using broker = await managed();
  const { ask } = broker;
  for (const name of ["a", "b", "c1", "c2", "c3"]) await ask("PUT", `queues/%2F/${name}`, {});
  const { body } = await ask(
    "GET",
    "queues?page=2&page_size=2&name=c&sort=name&sort_reverse=true&columns=name,vhost",
  );
  assert.deepEqual(body, {
    ...{ filtered_count: 3, item_count: 1, items: [{ name: "c1", vhost: "/" }] },
    ...{ page: 2, page_count: 2, page_size: 2, total_count: 5 },
  });
  assert.equal((await ask("GET", "queues?page=9")).status, 400);
  assert.equal((await ask("GET", "queues?page=x")).status, 400);
});

test("health is told, and a message makes its way through a virtual host", async () => {
  await using broker = await managed();
  const { amqp, ask } = broker;
  assert.deepEqual((await ask("GET", "aliveness-test/%2F")).body, { status: "ok" });
  assert.deepEqual((await ask("GET", "health/checks/alarms")).body, { status: "ok" });
  const port = new URL(amqp).port;
  assert.equal((await ask("GET", `health/checks/port-listener/${port}`)).status, 200);
  assert.equal((await ask("GET", "health/checks/port-listener/1")).status, 503);
  assert.equal((await ask("GET", "health/checks/protocol-listener/amqp")).status, 200);
  assert.equal((await ask("GET", "health/checks/protocol-listener/mqtt")).status, 503);
});

test("what cannot be meant is refused, and what is too large is not read", async () => {
  await using broker = await managed({ bodyBytesMax: 1_000 });
  const { ask } = broker;
  const statuses = [
    (await ask("GET", "nothing")).status,
    (await ask("GET", "queues/%2F/none")).status,
    (await ask("GET", "queues/%E0%A4%A/none")).status,
    (await ask("PATCH", "queues/%2F/q", {})).status,
    (await ask("PUT", "queues/%2F/q", "{")).status,
    (await ask("PUT", "queues/%2F/q", "[]")).status,
    (await ask("PUT", "queues/%2F/q", { durable: 7 })).status,
    (await ask("PUT", "queues/%2F/q", { more: "x".repeat(1_000) })).status,
    (await ask("PUT", "permissions/%2F/guest", { configure: "(", write: "", read: "" })).status,
    (await ask("DELETE", "vhosts/%2F")).status,
  ];
  assert.deepEqual(statuses, [404, 404, 404, 405, 400, 400, 400, 413, 400, 400]);
});

test("bodies of many requests do not fill the memory together", async () => {
  await using broker = await managed({ bodyBytesMax: 1_000 });
  const { port } = broker;
  const headers = { authorization: `Basic ${btoa("guest:guest")}` };
  const path = "/api/queues/%2F/q";
  const requests = Array.from({ length: 5 }, () =>
    request({ host: "127.0.0.1", port, method: "PUT", path, headers }),
  );
  const first = Promise.race(
    requests.map(async (each): Promise<number | undefined> => {
      const [answer] = (await once(each, "response")) as [IncomingMessage];
      answer.resume();
      return answer.statusCode;
    }),
  );
  for (const each of requests) {
    each.on("error", () => undefined);
    each.write(" ".repeat(999));
  }
  assert.equal(await first, 503);
  for (const each of requests) each.destroy();
  for (let status = 503; status === 503;)
    ({ status } = await broker.ask("PUT", "queues/%2F/q", {}));
  assert.notEqual(broker.node.host("/").queue("q"), undefined);
});

test("the management is not opened to others by accident", async () => {
  const env = realEnv();
  const node = { env, storage: new ModelStorage(env) } as unknown as Node;
  for (const listen of ["http://0.0.0.0:0", "http://[::]:0", "http://example.org:0"])
    await assert.rejects(management({ node, listen }), {
      code: "INVALID_ARGUMENT",
      message: /can be reached from other hosts, with passwords in clear/,
    });
  for (const listen of ["here", "amqp://127.0.0.1:0", "http://a@127.0.0.1:0"])
    await assert.rejects(management({ node, listen }), { code: "INVALID_ARGUMENT" });
});

test("a request that does not come whole does not keep the management from closing", async () => {
  await using broker = await managed();
  const { node } = broker;
  const running = await management({ node, listen: "http://127.0.0.1:0" });
  const { port } = new URL(running.address);
  const auth = "guest:guest";
  const slow = request({ host: "127.0.0.1", port, method: "PUT", path: "/api/queues/%2F/q", auth });
  const cut = once(slow, "error");
  slow.write("{");
  await once(slow, "socket").then(([socket]) => once(socket as EventEmitter, "connect"));
  await running.close();
  assert.match(messageOf(await cut), /ECONNRESET|hang up/);
  assert.equal(node.host("/").queue("q"), undefined);
});

test("it is served over TLS, and at a Unix socket", async () => {
  await using broker = await managed();
  const { node } = broker;
  const authority = testAuthority();
  const { cert, key } = authority.issue({ name: "broker", hosts: ["127.0.0.1"] });
  await using secured = await management({
    node,
    listen: "https://127.0.0.1:0",
    tls: { cert, key },
  });
  const folder = await mkdtemp(join(tmpdir(), "trunkline-http-"));
  const socketPath = join(folder, "http.sock");
  await using local = await management({ node, listen: `unix:${socketPath}` });
  assert.equal(local.address, `unix:${socketPath}`);
  const auth = "guest:guest";
  const path = "/api/whoami";
  const asked = [
    requestSecurely(`${secured.address}${path}`, { auth, ca: authority.cert, agent: false }),
    request({ socketPath, path, auth, agent: false }),
  ];
  for (const each of asked) {
    each.end();
    const [answer] = (await once(each, "response")) as [IncomingMessage];
    assert.equal(answer.statusCode, 200);
    answer.resume();
    await once(answer, "end");
  }
  await rm(folder, { recursive: true, force: true });
});

/** Of the event that a client tells by. */
function messageOf([error]: readonly unknown[]): string {
  return (error as Error).message;
}
