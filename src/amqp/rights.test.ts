import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";

import { connect, type Channel, type ChannelModel } from "amqplib";

import { missing } from "../../scripts/servers/for-tests.ts";
import { rabbitmqUnderTest } from "../../scripts/servers/rabbitmq-for-tests.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../../scripts/servers/rabbitmq.ts";
import { running, type Running } from "../../scripts/servers/running.ts";
import { managed } from "./management/testing/managed.ts";

/** One of the two brokers, as both are set up and used. */
interface Side {
  readonly port: number;
  put(path: string, body: object): Promise<void>;
}

type Act = (channel: Channel, connection: ChannelModel) => Promise<unknown>;

const made: readonly (readonly [string, object])[] = [
  ["users/ann", { password: "p", tags: "" }],
  ["users/bob", { password: "p", tags: "" }],
  ["vhosts/other", {}],
  ["vhosts/small", {}],
  [
    "permissions/%2F/ann",
    { configure: "^(ann|both)", write: "^(ann|both|w)|^amq\\.default$", read: "^(ann|both|r)" },
  ],
  ["permissions/small/ann", { configure: ".*", write: ".*", read: ".*" }],
  ["permissions/%2F/bob", { configure: "", write: "", read: "" }],
  ["user-limits/bob/max-connections", { value: 1 }],
  ["user-limits/bob/max-channels", { value: 1 }],
  ["vhost-limits/small/max-queues", { value: 1 }],
  ["queues/%2F/r", { durable: true }],
  ["queues/%2F/w", { durable: true }],
  ["queues/%2F/none", { durable: true }],
  ["queues/%2F/both", { durable: true }],
  ["exchanges/%2F/both", { type: "topic", durable: true }],
  ["exchanges/%2F/w.x", { type: "fanout", durable: true }],
  ["exchanges/%2F/r.x", { type: "fanout", durable: true }],
  ["exchanges/%2F/none.x", { type: "fanout", durable: true }],
  ["topic-permissions/%2F/ann", { exchange: "both", write: "^{username}\\.", read: "^news\\." }],
];

/** What ann tries in `/`, each in a channel of its own. */
const acts: Readonly<Record<string, Act>> = {
  "declares a queue": (channel) => channel.assertQueue("ann.q"),
  "declares a queue of others": (channel) => channel.assertQueue("bob.q"),
  "looks whether a queue is there that it may read from": (channel) => channel.checkQueue("r"),
  "looks whether a queue is there that it may write to": (channel) => channel.checkQueue("w"),
  "declares an exchange of others": (channel) => channel.assertExchange("bob.x", "direct"),
  "looks whether an exchange is there that it may write to": (channel) =>
    channel.checkExchange("w.x"),
  "sends dead letters where it may": (channel) =>
    channel.assertQueue("ann.d", { deadLetterExchange: "w.x" }),
  "sends dead letters where it may not": (channel) =>
    channel.assertQueue("ann.e", { deadLetterExchange: "none.x" }),
  "has an alternate where it may": (channel) =>
    channel.assertExchange("ann.a", "direct", { alternateExchange: "w.x" }),
  "has an alternate where it may not": (channel) =>
    channel.assertExchange("ann.b", "direct", { alternateExchange: "none.x" }),
  "binds what it may write to, to what it may read": (channel) => channel.bindQueue("w", "r.x", ""),
  "binds what it may not write to": (channel) => channel.bindQueue("r", "r.x", ""),
  "binds to what it may not read": (channel) => channel.bindQueue("w", "none.x", ""),
  "unbinds to what it may not read": (channel) => channel.unbindQueue("w", "none.x", ""),
  "binds exchanges": (channel) => channel.bindExchange("w.x", "r.x", ""),
  "binds exchanges the wrong way round": (channel) => channel.bindExchange("r.x", "w.x", ""),
  "publishes by name": (channel) => published(channel, "", "none"),
  "publishes where it may": (channel) => published(channel, "w.x", ""),
  "publishes where it may not": (channel) => published(channel, "none.x", ""),
  "publishes with its topic": (channel) => published(channel, "both", "ann.a"),
  "publishes with another topic": (channel) => published(channel, "both", "bob.a"),
  "binds with its topic": (channel) => channel.bindQueue("w", "both", "news.a"),
  "binds with another topic": (channel) => channel.bindQueue("w", "both", "secret.a"),
  "gets where it may": (channel) => channel.get("r", { noAck: true }),
  "gets where it may not": (channel) => channel.get("w", { noAck: true }),
  "consumes where it may not": (channel) => channel.consume("w", () => undefined),
  "purges where it may": (channel) => channel.purgeQueue("r"),
  "purges where it may not": (channel) => channel.purgeQueue("w"),
  "deletes a queue of others": (channel) => channel.deleteQueue("none"),
  "deletes its queue": (channel) => channel.deleteQueue("ann.q"),
  "deletes an exchange of others": (channel) => channel.deleteExchange("none.x"),
};

/** Publishing is answered by nothing: the next answer, or the end of the channel, tells. */
async function published(channel: Channel, exchange: string, routingKey: string): Promise<void> {
  channel.publish(exchange, routingKey, Buffer.from("x"));
  await channel.checkQueue("both");
}

async function outcome(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    return (error as Error).message;
  }
}

async function tried({ port, put }: Side): Promise<Readonly<Record<string, string>>> {
  for (const [path, body] of made) await put(path, body);
  const open = async (user: string, host = "%2F"): Promise<ChannelModel> => {
    const connection = await connect(`amqp://${user}@127.0.0.1:${port}/${host}`);
    connection.on("error", () => undefined);
    return connection;
  };
  const said: Record<string, string> = {};
  for (const [what, user, host] of [
    ["a wrong password", "ann:wrong", "%2F"],
    ["nobody", "nobody:p", "%2F"],
    ["a virtual host of others", "ann:p", "other"],
    ["a virtual host that is not there", "ann:p", "none"],
  ] as const)
    said[what] = await outcome(() => open(user, host));

  const ann = await open("ann:p");
  for (const [what, act] of Object.entries(acts)) {
    const channel = await ann.createChannel();
    // Of a channel that is closed the error tells more than what waited in it.
    const closed = new Promise<never>((_, reject) => channel.on("error", reject));
    closed.catch(() => undefined);
    said[what] = await outcome(() => Promise.race([act(channel, ann), closed]));
    if (said[what] === "done") await channel.close();
  }
  await ann.close();

  const small = await open("ann:p", "small");
  const channel = await small.createChannel();
  channel.on("error", () => undefined);
  await channel.assertQueue("one");
  said["one queue too many"] = await outcome(() => channel.assertQueue("two"));
  await small.close();

  const bob = await open("bob:p");
  said["one connection too many"] = await outcome(() => open("bob:p"));
  await bob.createChannel();
  const forced = new Promise<Error>((resolve) => bob.on("error", resolve));
  void bob.createChannel().catch(() => undefined);
  said["one channel too many"] = (await forced).message;
  return said;
}

/** Of which kind the access is, RabbitMQ says since 3.11; it puts no brackets around that limit since 4.0. */
function alike([what, said]: readonly [string, string]): string {
  const plain = said.replace(/(configure|write|read) access to/, "access to");
  return `${what}: ${plain.replace(/user limit of \((\d+)\)/, "user limit of $1")}`;
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
    "everybody may the same, and is told the same when he may not",
    { timeout: 60_000 },
    async () => {
      const { name, password } = rabbitmqUser;
      const theirs = await tried({
        port: ports.amqp,
        async put(path, body) {
          const answer = await fetch(`http://127.0.0.1:${ports.management}/api/${path}`, {
            method: "PUT",
            headers: {
              authorization: `Basic ${btoa(`${name}:${password}`)}`,
              "content-type": "application/json",
            },
            body: JSON.stringify(body),
          });
          assert.ok(answer.ok, `${path}: ${await answer.text()}`);
        },
      });
      await using broker = await managed();
      const ours = await tried({
        port: Number(new URL(broker.amqp).port),
        async put(path, body) {
          const { status, body: told } = await broker.ask("PUT", path, body);
          assert.ok(status < 300, `${path}: ${JSON.stringify(told)}`);
        },
      });
      assert.deepEqual(Object.entries(ours).map(alike), Object.entries(theirs).map(alike));
    },
  );
});
