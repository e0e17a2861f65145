import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";

import { missing } from "../../../../scripts/servers/for-tests.ts";
import { rabbitmqUnderTest } from "../../../../scripts/servers/rabbitmq-for-tests.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../../../../scripts/servers/rabbitmq.ts";
import { running, type Running } from "../../../../scripts/servers/running.ts";
import { realEnv } from "../../../base/real-env.ts";
import { Node } from "../node.ts";
import { Refusal } from "../refusal.ts";
import { openSqliteStorage } from "../storage/open.ts";
import { queueTerms } from "../terms.ts";
import { exportDefinitions } from "./export.ts";
import { importDefinitions } from "./import.ts";
import type { DefinitionsDocument } from "./document.ts";

const cost = { logN: 2, r: 1, p: 1 };
const peer = { loopback: true };

interface Subject extends AsyncDisposable {
  node: Node;
  /** As after a crash: what is on disk, read again. */
  again(): Promise<void>;
}

async function subject(): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-definitions-"));
  const env = realEnv();
  const open = async (): Promise<Node> =>
    new Node(await openSqliteStorage(folder, {}, env), env, { access: { cost } });
  const made: Subject = {
    node: await open(),
    async again() {
      await made.node.close();
      made.node = await open();
    },
    async [Symbol.asyncDispose]() {
      await made.node.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return made;
}

/** What was made, in an order of its own; which version wrote it is left out, and what only one of them says. */
function compared(document: DefinitionsDocument): unknown {
  const sections: (keyof DefinitionsDocument)[] = [
    ...(["permissions", "topic_permissions", "policies", "parameters"] as const),
    "bindings",
  ];
  const users = document.users?.map(({ name, tags, password_hash, limits }) => ({
    ...{ name, tags, password_hash, limits: limits ?? {} },
  }));
  const hosts = document.vhosts?.map(({ name }) => name).toSorted();
  return {
    ...Object.fromEntries(sections.map((section) => [section, ordered(document[section])])),
    // RabbitMQ 4 does not say of an exchange that it is not internal, and says twice of which type a queue is.
    exchanges: ordered(
      document.exchanges?.map((each) => ({ ...each, internal: each.internal ?? false })),
    ),
    queues: ordered(
      document.queues?.map(({ name, vhost, durable, auto_delete, arguments: table }) => ({
        ...{ name, vhost, durable, auto_delete, arguments: table },
      })),
    ),
    users: ordered(users),
    hosts,
  };
}

function ordered(items: unknown): readonly string[] {
  return (items as readonly object[]).map((item) => JSON.stringify(sortedKeys(item))).toSorted();
}

function sortedKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sortedKeys(each)]));
}

const ports = await freeRabbitmqPorts();
const server = rabbitmqUnderTest("rabbitmq", ports);

suite("with a real RabbitMQ", { skip: missing(server) ?? false }, () => {
  let rabbitmq: Running;
  before(async () => {
    rabbitmq = await running(server);
  });
  after(() => rabbitmq[Symbol.asyncDispose]());

  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const { name, password } = rabbitmqUser;
    const answer = await fetch(`http://127.0.0.1:${ports.management}/api/${path}`, {
      method,
      headers: {
        authorization: `Basic ${btoa(`${name}:${password}`)}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };

  test(
    "its definitions are taken up whole, come out the same, and it takes them back",
    { timeout: 60_000 },
    async () => {
      const host = "v %2F ü";
      const v = encodeURIComponent(host);
      const items: readonly (readonly [string, object])[] = [
        [`vhosts/${v}`, {}],
        ["users/ann", { password: "pässword", tags: "monitoring,management" }],
        ["users/robot", { password_hash: "", tags: "" }],
        [`permissions/${v}/it`, { configure: ".*", write: ".*", read: ".*" }],
        [`permissions/${v}/ann`, { configure: "", write: "^(?!secret).*", read: "^a\\..*$" }],
        ["user-limits/ann/max-connections", { value: 3 }],
        [`vhost-limits/${v}/max-queues`, { value: 50 }],
        [`exchanges/${v}/lost`, { type: "fanout" }],
        [`exchanges/${v}/t`, { type: "topic", arguments: { "alternate-exchange": "lost" } }],
        [`topic-permissions/${v}/ann`, { exchange: "t", write: "^{username}\\.", read: ".*" }],
        [`exchanges/${v}/h`, { type: "headers" }],
        [`exchanges/${v}/c`, { type: "x-consistent-hash", arguments: { "hash-header": "id" } }],
        [
          `queues/${v}/classic`,
          {
            arguments: {
              ...{ "x-message-ttl": 60_000, "x-max-length": 10, "x-overflow": "reject-publish" },
              ...{ "x-dead-letter-exchange": "lost", "x-max-priority": 5, "x-other": "kept" },
            },
          },
        ],
        [`queues/${v}/quorum`, { arguments: { "x-queue-type": "quorum", "x-delivery-limit": 4 } }],
        [`queues/${v}/stream`, { arguments: { "x-queue-type": "stream", "x-max-age": "7D" } }],
        [
          `policies/${v}/p`,
          { pattern: "^classic$", definition: { expires: 9_000_000 }, "apply-to": "queues" },
        ],
        [
          `operator-policies/${v}/o`,
          { pattern: ".*", definition: { "max-length": 7 }, "apply-to": "queues", priority: 2 },
        ],
      ];
      for (const [path, body] of items)
        await ask(
          "PUT",
          path,
          /^(queues|exchanges)/.test(path) ? { durable: true, ...body } : body,
        );
      for (const [path, body] of [
        [`bindings/${v}/e/t/q/classic`, { routing_key: "a.#" }],
        [`bindings/${v}/e/c/q/quorum`, { routing_key: "3" }],
        [`bindings/${v}/e/t/e/h`, { routing_key: "*.b" }],
        [
          `bindings/${v}/e/amq.headers/q/stream`,
          { routing_key: "", arguments: { "x-match": "any", kind: "a", n: 1 } },
        ],
      ] as const)
        await ask("POST", path, body);
      const theirs = (await ask("GET", "definitions")) as DefinitionsDocument;

      await using broker = await subject();
      broker.node.access.removeUser("guest");
      const { left, taken } = await importDefinitions(broker.node, theirs);
      assert.deepEqual(left, []);
      assert.equal(taken["bindings"], 4);
      assert.deepEqual(compared(exportDefinitions(broker.node)), compared(theirs));
      await broker.again();
      const ours = exportDefinitions(broker.node);
      assert.deepEqual(compared(ours), compared(theirs));

      await ask("DELETE", `vhosts/${v}`);
      await ask("DELETE", "users/ann");
      await ask("POST", "definitions", ours);
      const back = (await ask("GET", "definitions")) as DefinitionsDocument;
      assert.deepEqual(compared(back), compared(theirs));

      const { access } = broker.node;
      await access.authenticate("it", rabbitmqUser.password, peer);
      await access.authenticate("ann", "pässword", peer);
      assert.match(access.users.get("ann")!.passwordHash, /^\$scrypt\$/);
      await assert.rejects(access.authenticate("robot", "", peer), Refusal);
      const { lengthMax, expiresMs } = broker.node.host(host).known("classic").terms;
      assert.deepEqual([lengthMax, expiresMs], [7, 9_000_000]);
      assert.equal(access.may("ann", host, "write", "secret.a"), false);
      assert.equal(access.may("ann", host, "write", "open"), true);
    },
  );
});

test("a file with anything wrong in it changes nothing, and all of it is told", async () => {
  await using broker = await subject();
  const unchanged = JSON.stringify(exportDefinitions(broker.node));
  const wrong = {
    vhosts: [{ name: "v" }, { name: "" }],
    users: [{ name: "a", password_hash: "AAAA", tags: "" }, 7],
    permissions: [
      { user: "nobody", vhost: "/", configure: "", write: "", read: "" },
      { user: "guest", vhost: "v", configure: "(", write: "", read: "" },
    ],
    policies: [{ vhost: "/", name: "p", pattern: ".*", definition: { colour: "red" } }],
    queues: [{ name: "q", vhost: "v", durable: true, arguments: { "x-message-ttl": -1 } }],
    exchanges: [{ name: "d", vhost: "v", type: "x-recent-history", durable: true }],
    parameters: "none",
  };
  await assert.rejects(importDefinitions(broker.node, wrong), (error) => {
    assert.ok(error instanceof Refusal);
    for (const part of [
      /vhosts\[1\]: .* 1 to 255 bytes/,
      /users\[0\]: a password hash .* cannot be read/,
      /users\[1\]: is no object/,
      /permissions\[0\]: there is no user 'nobody'/,
      /permissions\[1\]: the pattern '\(' cannot be used/,
      /policies\[0\]: .*'colour'/,
      /queues\[0\]: invalid arg 'x-message-ttl'/,
      /exchanges\[0\]: unknown exchange type 'x-recent-history'/,
      /parameters: is no list/,
    ])
      assert.match(error.message, part);
    return true;
  });
  assert.equal(JSON.stringify(exportDefinitions(broker.node)), unchanged);
});

test("what is there stays as it is, and what means nothing is told", async () => {
  await using broker = await subject();
  const { node } = broker;
  node.host("/").declareQueue(queueTerms({ name: "q", lengthMax: 3 }));
  const { left, taken } = await importDefinitions(node, {
    users: [{ name: "ann", password: "p", tags: "administrator" }],
    queues: [
      { name: "q", vhost: "/", durable: true, auto_delete: false, arguments: {} },
      { name: "r", vhost: "/", durable: true, auto_delete: false, arguments: {} },
    ],
    exchanges: [{ name: "amq.topic", vhost: "/", type: "topic" }],
    bindings: ["r", "none"].map((destination) => ({
      ...{ vhost: "/", source: "amq.topic", destination, destination_type: "queue" },
      routing_key: "k",
    })),
    parameters: [{ component: "shovel", name: "s", vhost: "/", value: {} }],
  });
  assert.deepEqual(taken, { users: 1, queues: 1, exchanges: 1, bindings: 1 });
  assert.deepEqual(left, [
    "the parameter shovel 's' of '/': it means nothing here",
    "the queue 'q' of '/': another one is there",
    "a binding of '/' from 'amq.topic' to 'none': there is no queue 'none'",
  ]);
  assert.equal(node.host("/").known("q").terms.lengthMax, 3);
  assert.equal((await node.access.authenticate("ann", "p", peer)).tags[0], "administrator");
});

test("the definitions of one virtual host are taken up in another", async () => {
  await using broker = await subject();
  const { node } = broker;
  const host = node.addHost("from");
  host.declareQueue(queueTerms({ name: "q", shards: 4, keyOrder: true, retentionMs: undefined }));
  host.bind({
    ...{ source: "amq.topic", to: "queue", destination: "q", routingKey: "a.*", arguments: {} },
  });
  const document = exportDefinitions(node, "from");
  assert.equal(document.users, undefined);
  node.addHost("to");
  await importDefinitions(node, document, "to");
  await broker.again();
  const { shards, keyOrder } = broker.node.host("to").known("q").terms;
  assert.deepEqual([shards, keyOrder], [4, true]);
  assert.equal(broker.node.host("to").topology.bindingsTo("queue", "q").length, 1);
});

test("passwords that are kept in our way go from broker to broker", async () => {
  await using from = await subject();
  await from.node.access.users.set("ann", { password: "p" }, []);
  const document = exportDefinitions(from.node);
  assert.deepEqual(
    document.users?.map(({ name, password_hash }) => [name, password_hash === ""]),
    [
      ["guest", false],
      ["ann", true],
    ],
  );
  await using to = await subject();
  await importDefinitions(to.node, document);
  assert.equal((await to.node.access.authenticate("ann", "p", peer)).name, "ann");
});

test("what is not durable is exported too, what belongs to one connection is not", async () => {
  await using broker = await subject();
  const host = broker.node.host("/");
  host.declareQueue(queueTerms({ name: "transient", durable: false, level: "memory" }));
  host.declareQueue(queueTerms({ name: "mine", owner: "somebody" }));
  for (const destination of ["transient", "mine"])
    host.bind({ source: "amq.fanout", to: "queue", destination, routingKey: "", arguments: {} });
  const { queues, bindings } = exportDefinitions(broker.node);
  assert.deepEqual(
    queues?.map(({ name, durable }) => [name, durable]),
    [["transient", false]],
  );
  assert.deepEqual(
    bindings?.map(({ destination }) => destination),
    ["transient"],
  );
});
