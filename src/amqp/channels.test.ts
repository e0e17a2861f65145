// What channels and groups are to clients of AMQP, with a real one: the same queues, the same messages.
import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { Connection, type AsyncMessage } from "rabbitmq-client";
import { realEnv } from "../base/real-env.ts";
import { uuidv7 } from "../base/id.ts";
import type { Delivery } from "../broker/broker.ts";
import { channel } from "../broker/channel.ts";
import { SharedEmbedded } from "../broker/embedded/port/shared-embedded.ts";
import type { Envelope } from "../broker/envelope.ts";
import { lab } from "./testing/lab.ts";

const placed = channel({
  name: "orders.1.placed",
  shape: "topic",
  ordered: true,
  shards: 4,
  groups: ["billing", "python"],
  retentionMs: 3_600_000,
});
const ship = channel({ name: "depot.1.ship", shape: "queue" });

function envelope(terms: Partial<Envelope> = {}): Envelope {
  return {
    id: uuidv7(realEnv()),
    type: "orders.placed",
    source: "/orders",
    subject: "o-7",
    time: Date.parse("2026-01-02T03:04:05.678Z"),
    contentType: "application/json",
    attributes: { schemaversion: "1.0.0" },
    data: Buffer.from('{"item":"kettle"}'),
    ...terms,
  };
}

/** One server, the port beside it, and a client of AMQP. */
async function stand() {
  const server = await lab();
  const shared = new SharedEmbedded(server.node, { address: "file:lab" });
  const broker = shared.open("lab");
  const client = new Connection(`amqp://guest:guest@127.0.0.1:${server.port}`);
  await client.onConnect(5_000);
  const consumed = async (queue: string, args: object = {}): Promise<AsyncMessage> => {
    const first = Promise.withResolvers<AsyncMessage>();
    const consumer = client.createConsumer(
      { queue, queueOptions: { passive: true }, qos: { prefetchCount: 10 }, ...args },
      (each) => first.resolve(each),
    );
    consumer.on("error", first.reject);
    const message = await first.promise;
    await consumer.close();
    return message;
  };
  return {
    broker,
    client,
    consumed,
    async [Symbol.asyncDispose]() {
      await client.close();
      await broker.close();
      shared.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("a client of AMQP is a member of a group, and reads what is kept as a stream", async () => {
  await using at = await stand();
  await at.broker.declare([placed]);
  const sent = envelope();
  await at.broker.publish([{ channel: placed, envelope: sent }]);
  const ofGroup = await at.consumed("orders.1.placed@python");
  const ofLog = await at.consumed("orders.1.placed@log", {
    arguments: { "x-stream-offset": "first" },
  });
  for (const { headers, messageId, type, contentType, body } of [ofGroup, ofLog]) {
    deepEqual([messageId, type, contentType], [sent.id, "orders.placed", "application/json"]);
    equal(headers?.["cloudEvents:subject"], "o-7");
    equal(headers?.["cloudEvents:time"], "2026-01-02T03:04:05.678Z");
    deepEqual(body, Buffer.from(sent.data));
  }
  equal((await at.broker.lag(placed, "billing")).waiting, 1);
  equal((await at.broker.lag(placed, "python")).waiting, 0);
});

test("what a client of AMQP publishes to a topic comes to each group, in its own words", async () => {
  await using at = await stand();
  await at.broker.declare([placed]);
  const heard = Promise.withResolvers<Delivery>();
  await at.broker.consume({ channel: placed, group: "billing", prefetch: 1 }, ([delivery]) =>
    heard.resolve(delivery!),
  );
  await using publisher = {
    own: at.client.createPublisher({ confirm: true }),
    [Symbol.asyncDispose]: () => publisher.own.close(),
  };
  await publisher.own.send(
    {
      ...{ exchange: "orders.1.placed", messageId: "m-1", type: "imported", appId: "shop" },
      ...{ durable: true, headers: { "trunkline-key": "o-9", lane: "slow" } },
    },
    { item: "pot" },
  );
  const { envelope: read, malformed } = await heard.promise;
  equal(malformed, undefined);
  deepEqual(
    [read.id, read.type, read.source, read.subject, read.attributes["lane"]],
    ["m-1", "imported", "/shop", "o-9", "slow"],
  );
  deepEqual(JSON.parse(Buffer.from(read.data).toString()), { item: "pot" });
});

test("a request of a client of AMQP is answered to its own queue, and it answers to a box", async () => {
  await using at = await stand();
  await at.broker.declare([ship]);
  await at.broker.consume({ channel: ship, group: undefined, prefetch: 1 }, ([delivery]) => {
    const { replyto, correlationid } = delivery!.envelope.attributes;
    const attributes = { correlationid: correlationid! };
    void at.broker.reply(replyto!, envelope({ attributes })).then(() => delivery!.ack());
  });
  const asking = at.client.createRPCClient({ confirm: true });
  const answer = await asking.send("depot.1.ship", { id: "7" });
  await asking.close();
  deepEqual(answer.body, Buffer.from('{"item":"kettle"}'));
  const heard = Promise.withResolvers<Envelope>();
  const box = await at.broker.replies({ name: "asker" }, heard.resolve);
  const publisher = at.client.createPublisher({ confirm: true });
  const reply = { routingKey: box.address, messageId: "m-2", correlationId: "c-1" };
  await publisher.send(reply, Buffer.from("done"));
  const { id, attributes, data } = await heard.promise;
  deepEqual([id, attributes["correlationid"], String(data)], ["m-2", "c-1", "done"]);
  await publisher.close();
});

test("a client of AMQP that declares a queue of a channel as it is finds it so", async () => {
  await using at = await stand();
  await at.broker.declare([{ ...ship, lengthMax: 5, priorityMax: 3 }]);
  const declare = (lengthMax: number): Promise<unknown> =>
    at.client.queueDeclare({
      queue: "depot.1.ship",
      durable: true,
      arguments: {
        "x-max-length": lengthMax,
        "x-overflow": "reject-publish",
        "x-max-priority": 3,
      },
    });
  await declare(5);
  await rejects(declare(6), { code: "PRECONDITION_FAILED" });
});
