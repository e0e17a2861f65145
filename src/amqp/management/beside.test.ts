import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";

import { missing } from "../../../scripts/servers/for-tests.ts";
import { rabbitmqUnderTest } from "../../../scripts/servers/rabbitmq-for-tests.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../../../scripts/servers/rabbitmq.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { managed } from "./testing/managed.ts";

interface Told {
  readonly status: number;
  readonly body: unknown;
}

/** Asks as an administrator named `it`, or as `name:password`. */
type Ask = (method: string, path: string, body?: unknown, user?: string) => Promise<Told>;

/** What is asked of both, in this order; of what is only asked for its status, the body is not compared. */
const statuses: readonly (readonly [
  method: string,
  path: string,
  body?: unknown,
  user?: string,
])[] = [
  ["PUT", "vhosts/v", {}],
  ["PUT", "vhosts/v", {}],
  ["PUT", "users/ann", { password: "p", tags: "management" }],
  ["PUT", "users/ann", { password: "p", tags: "management" }],
  ["PUT", "users/none", { password: "p" }],
  ["PUT", "permissions/v/ann", { configure: "^a", write: "^a", read: "^a" }],
  ["PUT", "permissions/v/nobody", { configure: "", write: "", read: "" }],
  ["PUT", "permissions/none/ann", { configure: "", write: "", read: "" }],
  ["PUT", "permissions/v/ann", { configure: "(", write: "", read: "" }],
  ["PUT", "exchanges/v/x", { type: "topic", durable: true }],
  ["PUT", "exchanges/v/x", { type: "topic", durable: true }],
  ["PUT", "exchanges/v/x", { type: "fanout", durable: true }],
  ["PUT", "exchanges/v/y", { type: "unknown", durable: true }],
  ["PUT", "exchanges/v/amq.mine", { type: "fanout", durable: true }],
  ["PUT", "exchanges/none/x", { type: "fanout", durable: true }],
  ["PUT", "queues/v/q", { durable: true }],
  ["PUT", "queues/v/q", { durable: true }],
  ["PUT", "queues/v/q", { durable: true, arguments: { "x-max-length": 1 } }],
  ["PUT", "queues/v/bad", { durable: true, arguments: { "x-expires": 0 } }],
  ["PUT", "queues/v/amq.mine", { durable: true }],
  ["PUT", "queues/v/a.own", { durable: true }, "ann:p"],
  ["PUT", "queues/v/q.other", { durable: true }, "ann:p"],
  ["GET", "queues/v/q", undefined, "ann:p"],
  ["GET", "users", undefined, "ann:p"],
  ["GET", "nodes", undefined, "ann:p"],
  ["PUT", "policies/v/p", { pattern: ".*", definition: { expires: 5 } }, "ann:p"],
  ["PUT", "policies/v/p", { pattern: "^q", definition: { "max-length": 5 }, priority: 3 }],
  ["PUT", "policies/v/p", { pattern: "^q", definition: { "max-length": 5 }, priority: 3 }],
  ["PUT", "policies/v/bad", { pattern: "^q", definition: { colour: "red" } }],
  ["PUT", "policies/v/bad", { pattern: "^q", definition: { "max-length": "5" } }],
  ["PUT", "policies/v/bad", { pattern: "(", definition: { "max-length": 5 } }],
  ["POST", "bindings/v/e/x/q/q", { routing_key: "a.#" }],
  ["POST", "bindings/v/e/x/q/q", { routing_key: "" }],
  ["POST", "bindings/v/e/x/e/amq.fanout", { routing_key: "k~/ %" }],
  ["POST", "bindings/v/e/x/q/none", { routing_key: "k" }],
  ["POST", "bindings/v/e/none/q/q", { routing_key: "k" }],
  ["GET", "bindings/v/e/x/q/q/a.%23"],
  ["GET", "bindings/v/e/x/q/q/~"],
  ["GET", "bindings/v/e/x/q/q/none"],
  ["PUT", "vhost-limits/v/max-queues", { value: 100 }],
  ["PUT", "vhost-limits/v/max-lemons", { value: 100 }],
  ["PUT", "user-limits/ann/max-channels", { value: 100 }],
  ["POST", "exchanges/v/x/publish", publishing("a.b")],
  ["POST", "queues/v/q/get", { count: 1, ackmode: "ack_requeue_true", encoding: "auto" }],
  ["POST", "queues/v/none/get", { count: 1, ackmode: "ack_requeue_true", encoding: "auto" }],
  ["DELETE", "queues/v/q?if-empty=true"],
  ["DELETE", "queues/v/none"],
  ["DELETE", "exchanges/v/none"],
  ["DELETE", "exchanges/v/amq.topic"],
  ["DELETE", "policies/v/none"],
  ["DELETE", "users/nobody"],
  ["DELETE", "vhosts/none"],
  ["DELETE", "connections/none"],
  ["GET", "overview", undefined, "ann:wrong"],
  ["GET", "nothing"],
  ["PUT", "queues/v/text", "{"],
];

/** Then these are the same, so far as both of them say it. */
const lists: readonly (readonly [path: string, columns: readonly string[]])[] = [
  ["whoami", ["name", "tags"]],
  ["vhosts?sort=name", ["name", "tracing", "description", "tags"]],
  [
    "exchanges/v?sort=name",
    ["name", "vhost", "type", "durable", "auto_delete", "internal", "arguments"],
  ],
  [
    "queues/v?sort=name",
    // RabbitMQ 4 adds an argument for the type that was not declared.
    ["name", "vhost", "type", "durable", "auto_delete", "exclusive"],
  ],
  [
    "bindings/v?sort=properties_key",
    [
      ...["source", "vhost", "destination", "destination_type", "routing_key", "arguments"],
      "properties_key",
    ],
  ],
  ["queues/v/q/bindings?sort=properties_key", ["source", "routing_key", "properties_key"]],
  ["exchanges/v/x/bindings/source?sort=properties_key", ["destination", "properties_key"]],
  ["exchanges/v/amq.fanout/bindings/destination", ["source", "properties_key"]],
  ["users?sort=name", ["name", "tags", "limits"]],
  ["users/ann/permissions", ["user", "vhost", "configure", "write", "read"]],
  ["vhosts/v/permissions?sort=user", ["user", "vhost", "configure", "write", "read"]],
  ["policies/v", ["vhost", "name", "pattern", "apply-to", "definition", "priority"]],
  ["vhost-limits", ["vhost", "value"]],
  ["user-limits", ["user", "value"]],
];

function publishing(key: string): object {
  return { properties: {}, routing_key: key, payload: "p", payload_encoding: "string" };
}

async function told(ask: Ask): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const [method, path, body, user] of statuses) {
    const { status } = await ask(method, path, body, user);
    lines.push(`${method} ${path} ${JSON.stringify(body)} ${user ?? ""}: ${status}`);
  }
  for (const [path, columns] of lists) {
    const { body } = await ask("GET", path);
    const rows = Array.isArray(body) ? (body as readonly object[]) : [body as object];
    for (const row of rows) lines.push(`${path}: ${JSON.stringify(chosen(row, columns))}`);
  }
  return lines;
}

function chosen(row: object, columns: readonly string[]): unknown {
  const given = row as Readonly<Record<string, unknown>>;
  return Object.fromEntries(columns.map((column) => [column, given[column]]));
}

const ports = await freeRabbitmqPorts();
const server = rabbitmqUnderTest("rabbitmq", ports);

suite("beside a real RabbitMQ", { skip: missing(server) ?? false }, () => {
  let node: Running;
  before(async () => {
    node = await running(server);
  });
  after(() => node[Symbol.asyncDispose]());

  test(
    "requests are answered with the same statuses and the same lists",
    { timeout: 60_000 },
    async () => {
      const { name, password } = rabbitmqUser;
      const theirs = await told(async (method, path, body, user = `${name}:${password}`) => {
        const answer = await fetch(`http://127.0.0.1:${ports.management}/api/${path}`, {
          method,
          headers: { authorization: `Basic ${btoa(user)}`, "content-type": "application/json" },
          ...(body === undefined
            ? {}
            : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        });
        const text = await answer.text();
        return { status: answer.status, body: text === "" ? undefined : JSON.parse(text) };
      });
      await using broker = await managed();
      const { access } = broker.node;
      await access.users.set(name, { password }, ["administrator"]);
      access.permit({ user: name, host: "/", configure: ".*", write: ".*", read: ".*" });
      access.removeUser("guest");
      const ours = await told((method, path, body, user = `${name}:${password}`) =>
        broker.ask(method, path, body, user),
      );
      assert.deepEqual(ours, theirs);
    },
  );
});
