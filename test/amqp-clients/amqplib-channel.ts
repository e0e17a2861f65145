// What amqplib's own tests of its channels ask of a broker (its `test/channel_api.test.js`, which its package does not carry).
import assert from "node:assert/strict";
import {
  connect,
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  type ConsumeMessage,
} from "amqplib";
import { told, type ClientCase, type Stand } from "./stand.ts";

const transient = { durable: false, autoDelete: true };

/** A case with a connection and a channel of its own. */
export function channelCase(
  name: string,
  run: (channel: Channel, unique: Stand["unique"]) => Promise<void>,
): ClientCase {
  return caseWith(name, (connection) => connection.createChannel(), run);
}

function confirmCase(
  name: string,
  run: (channel: ConfirmChannel, unique: Stand["unique"]) => Promise<void>,
): ClientCase {
  return caseWith(name, (connection) => connection.createConfirmChannel(), run);
}

function caseWith<Opened>(
  name: string,
  open: (connection: ChannelModel) => Promise<Opened>,
  run: (channel: Opened, unique: Stand["unique"]) => Promise<void>,
): ClientCase {
  return {
    name,
    async run({ url, unique }) {
      const connection = await connect(url);
      try {
        await run(await open(connection), unique);
      } finally {
        await connection.close();
      }
    },
  };
}

/** What the server closes the channel with. */
async function refused(
  channel: Channel,
  act: () => Promise<unknown>,
  expected: { readonly code: number; readonly text: RegExp; readonly method?: [number, number] },
): Promise<void> {
  const closed = told(channel, "error");
  await assert.rejects(act, (error: RefusedError) => {
    assert.equal(error.code, expected.code);
    assert.match(error.message, expected.text);
    if (expected.method !== undefined)
      assert.deepEqual([error.classId, error.methodId], expected.method);
    return true;
  });
  await closed;
}

interface RefusedError extends Error {
  readonly code: number;
  readonly classId: number;
  readonly methodId: number;
}

/** Resolves when so many messages are ready in a queue. */
async function arrived(channel: Channel, queue: string, count = 1): Promise<void> {
  while ((await channel.checkQueue(queue)).messageCount < count);
}

async function got(channel: Channel, queue: string): Promise<string | undefined> {
  const message = await channel.get(queue, { noAck: true });
  return message === false ? undefined : message.content.toString();
}

const declaring: readonly ClientCase[] = [
  channelCase("a queue is declared, found, and deleted", async (channel, unique) => {
    const name = unique("queue");
    assert.deepEqual(await channel.assertQueue(name, transient), {
      queue: name,
      messageCount: 0,
      consumerCount: 0,
    });
    assert.equal((await channel.checkQueue(name)).queue, name);
    channel.sendToQueue(name, Buffer.from("one"));
    await arrived(channel, name);
    assert.deepEqual(await channel.deleteQueue(name), { messageCount: 1 });
    await refused(channel, () => channel.checkQueue(name), {
      ...{ code: 404, text: /NOT_FOUND - no queue '.*' in vhost '\/'/, method: [50, 10] },
    });
  }),
  channelCase("an exchange is declared, found, and deleted", async (channel, unique) => {
    const name = unique("exchange");
    assert.equal((await channel.assertExchange(name, "direct", transient)).exchange, name);
    assert.ok(await channel.checkExchange(name));
    await channel.deleteExchange(name);
    await refused(channel, () => channel.checkExchange(name), {
      ...{ code: 404, text: /NOT_FOUND - no exchange '.*' in vhost '\/'/, method: [40, 10] },
    });
  }),
  channelCase("a queue is not declared again with other options", async (channel, unique) => {
    const name = unique("queue");
    await channel.assertQueue(name, { durable: false, autoDelete: true });
    await refused(channel, () => channel.assertQueue(name, { durable: false }), {
      code: 406,
      text: /PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '.*' in vhost '\/': received 'false' but current is 'true'/,
      method: [50, 10],
    });
  }),
  channelCase("an exchange is not declared again with another type", async (channel, unique) => {
    const name = unique("exchange");
    await channel.assertExchange(name, "fanout", transient);
    await refused(channel, () => channel.assertExchange(name, "direct", transient), {
      code: 406,
      text: /PRECONDITION_FAILED - inequivalent arg 'type' for exchange '.*' in vhost '\/': received 'direct' but current is 'fanout'/,
    });
  }),
  channelCase("what is published to no exchange closes the channel", async (channel, unique) => {
    const closed = told<RefusedError>(channel, "error");
    channel.publish(unique("nowhere"), "", Buffer.from("lost"));
    const error = await closed;
    assert.equal(error.code, 404);
    assert.match(error.message, /NOT_FOUND - no exchange/);
  }),
  channelCase("a queue without a name is given one", async (channel) => {
    const { queue } = await channel.assertQueue("", { exclusive: true });
    assert.match(queue, /^amq\.gen-/);
  }),
  channelCase("what is not empty is kept where that was asked", async (channel, unique) => {
    const name = unique("queue");
    await channel.assertQueue(name, { durable: false });
    channel.sendToQueue(name, Buffer.from("one"));
    await arrived(channel, name);
    await refused(channel, () => channel.deleteQueue(name, { ifEmpty: true }), {
      ...{ code: 406, text: /PRECONDITION_FAILED - queue '.*' in vhost '\/' not empty/ },
    });
  }),
];

const moving: readonly ClientCase[] = [
  channelCase("a message is sent to a queue and taken from it", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    channel.sendToQueue(queue, Buffer.from("hello"));
    await arrived(channel, queue);
    assert.equal(await got(channel, queue), "hello");
    assert.equal(await channel.get(queue), false);
  }),
  channelCase("a message may be empty", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    channel.sendToQueue(queue, Buffer.alloc(0));
    await arrived(channel, queue);
    assert.equal(await got(channel, queue), "");
  }),
  channelCase("all properties and kinds of headers come as they went", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    const headers = {
      ...{ text: "žluťoučký", int: 7, negative: -7, big: 2 ** 40, real: 1.5, yes: true, no: null },
      ...{ list: ["red", 2, { deep: [true] }], table: { a: { b: "c" } } },
      ...{ bytes: Buffer.from([0, 255]), float: { "!": "float", value: 0.5 } },
      at: { "!": "timestamp", value: 1_700_000_000 },
    };
    channel.sendToQueue(queue, Buffer.from("x"), {
      ...{ contentType: "text/plain", contentEncoding: "utf-8", persistent: true, priority: 3 },
      ...{ correlationId: "c", replyTo: "r", expiration: "60000", messageId: "m" },
      ...{ timestamp: 1_700_000_000, type: "t", appId: "a", headers },
    });
    await arrived(channel, queue);
    const message = await channel.get(queue, { noAck: true });
    assert.ok(message);
    const { properties, fields } = message;
    assert.deepEqual({ ...properties.headers }, { ...headers, float: 0.5 });
    const { contentType, contentEncoding, deliveryMode, priority, correlationId } = properties;
    assert.deepEqual(
      [contentType, contentEncoding, deliveryMode, priority, correlationId],
      ["text/plain", "utf-8", 2, 3, "c"],
    );
    const { replyTo, expiration, messageId, timestamp, type, appId } = properties;
    assert.deepEqual(
      [replyTo, expiration, messageId, timestamp, type, appId],
      ["r", "60000", "m", 1_700_000_000, "t", "a"],
    );
    assert.deepEqual([fields.exchange, fields.routingKey, fields.redelivered], ["", queue, false]);
  }),
  channelCase("a message of several frames comes whole", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    const body = Buffer.alloc(1_000_000, "0123456789");
    channel.sendToQueue(queue, body);
    await arrived(channel, queue);
    const message = await channel.get(queue, { noAck: true });
    assert.ok(message && message.content.equals(body));
  }),
  channelCase("nothing is taken from a queue that is not there", async (channel, unique) => {
    await refused(channel, () => channel.get(unique("nowhere")), {
      ...{ code: 404, text: /NOT_FOUND - no queue/, method: [60, 70] },
    });
  }),
  channelCase("a fanout exchange brings a message to a queue", async (channel, unique) => {
    const { exchange } = await channel.assertExchange(unique("exchange"), "fanout", transient);
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    await channel.bindQueue(queue, exchange, "", {});
    channel.publish(exchange, "", Buffer.from("hello"));
    await arrived(channel, queue);
    assert.equal(await got(channel, queue), "hello");
  }),
  channelCase("purging empties a queue and tells how many there were", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    channel.sendToQueue(queue, Buffer.from("one"));
    channel.sendToQueue(queue, Buffer.from("two"));
    await arrived(channel, queue, 2);
    assert.deepEqual(await channel.purgeQueue(queue), { messageCount: 2 });
    assert.equal(await channel.get(queue), false);
  }),
  channelCase("what is unbound gets nothing more", async (channel, unique) => {
    const { exchange } = await channel.assertExchange(unique("exchange"), "fanout", {
      durable: false,
    });
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    await channel.bindQueue(queue, exchange, "", {});
    channel.publish(exchange, "", Buffer.from("bound"));
    await arrived(channel, queue);
    assert.equal(await got(channel, queue), "bound");
    await channel.unbindQueue(queue, exchange, "", {});
    channel.publish(exchange, "", Buffer.from("by the binding"));
    channel.sendToQueue(queue, Buffer.from("past it"));
    await arrived(channel, queue);
    assert.equal(await got(channel, queue), "past it");
    await channel.deleteExchange(exchange);
  }),
  channelCase("a message goes from one exchange to another", async (channel, unique) => {
    const from = unique("from");
    const to = unique("to");
    await channel.assertExchange(from, "direct", { durable: false });
    await channel.assertExchange(to, "fanout", { durable: false, internal: true });
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    await channel.bindExchange(to, from, "key", {});
    await channel.bindQueue(queue, to, "", {});
    channel.publish(from, "other", Buffer.from("no"));
    channel.publish(from, "key", Buffer.from("yes"));
    await arrived(channel, queue);
    assert.equal(await got(channel, queue), "yes");
    await channel.unbindExchange(to, from, "key", {});
    channel.publish(from, "key", Buffer.from("by the binding"));
    channel.sendToQueue(queue, Buffer.from("past it"));
    await arrived(channel, queue);
    assert.equal(await got(channel, queue), "past it");
    await channel.deleteExchange(from);
    await channel.deleteExchange(to);
  }),
];

const consuming: readonly ClientCase[] = [
  channelCase("a cancelled consumer gets nothing more", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), { durable: false });
    const first = Promise.withResolvers<ConsumeMessage | null>();
    const { consumerTag } = await channel.consume(queue, first.resolve, { noAck: true });
    channel.sendToQueue(queue, Buffer.from("foo"));
    assert.equal((await first.promise)?.content.toString(), "foo");
    await channel.cancel(consumerTag);
    channel.sendToQueue(queue, Buffer.from("bar"));
    await arrived(channel, queue);
    assert.equal(await got(channel, queue), "bar");
    await channel.deleteQueue(queue);
  }),
  channelCase("a consumer is told when its queue is deleted", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), { durable: false });
    const ended = Promise.withResolvers<ConsumeMessage | null>();
    await channel.consume(queue, ended.resolve);
    await channel.deleteQueue(queue);
    assert.equal(await ended.promise, null);
  }),
  channelCase(
    "an acknowledged message is gone, one that was not comes back",
    async (channel, unique) => {
      const { queue } = await channel.assertQueue(unique("queue"), { durable: false });
      channel.sendToQueue(queue, Buffer.from("one"));
      channel.sendToQueue(queue, Buffer.from("two"));
      await arrived(channel, queue, 2);
      const one = await channel.get(queue);
      assert.ok(one);
      assert.deepEqual([one.content.toString(), one.fields.messageCount], ["one", 1]);
      channel.ack(one);
      const two = await channel.get(queue);
      assert.ok(two);
      assert.deepEqual([two.content.toString(), two.fields.messageCount], ["two", 0]);
      await channel.recover();
      await arrived(channel, queue);
      const again = await channel.get(queue);
      assert.ok(again);
      assert.deepEqual([again.content.toString(), again.fields.redelivered], ["two", true]);
      await channel.deleteQueue(queue);
    },
  ),
  ...(["nack", "reject"] as const).map((how) =>
    channelCase(`what is put back by ${how} is delivered again`, async (channel, unique) => {
      const { queue } = await channel.assertQueue(unique("queue"), transient);
      channel.sendToQueue(queue, Buffer.from("one"));
      await arrived(channel, queue);
      const one = await channel.get(queue);
      assert.ok(one);
      channel[how](one);
      await arrived(channel, queue);
      const again = await channel.get(queue);
      assert.ok(again);
      assert.deepEqual([again.content.toString(), again.fields.redelivered], ["one", true]);
      if (how === "nack") channel.nack(again, false, false);
      else channel.reject(again, false);
      assert.equal(await channel.get(queue), false);
    }),
  ),
  channelCase("all that is unacknowledged is settled in one go", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    for (const text of ["one", "two", "three"]) channel.sendToQueue(queue, Buffer.from(text));
    await arrived(channel, queue, 3);
    await channel.get(queue);
    await channel.get(queue);
    channel.nackAll();
    await arrived(channel, queue, 3);
    await channel.get(queue);
    const second = await channel.get(queue);
    assert.ok(second);
    assert.equal(second.content.toString(), "two");
    channel.ack(second, true);
    assert.equal(await got(channel, queue), "three");
    assert.equal((await channel.purgeQueue(queue)).messageCount, 0);
  }),
  channelCase("no more is delivered than was asked for by prefetch", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    await channel.prefetch(1);
    channel.sendToQueue(queue, Buffer.from("one"));
    channel.sendToQueue(queue, Buffer.from("two"));
    await arrived(channel, queue, 2);
    const seen: ConsumeMessage[] = [];
    const both = Promise.withResolvers<void>();
    await channel.consume(queue, (message) => {
      if (message === null) return;
      if (seen.push(message) === 2) both.resolve();
    });
    while (seen.length === 0) await channel.checkQueue(queue);
    assert.equal((await channel.checkQueue(queue)).messageCount, 1);
    assert.equal(seen.length, 1);
    channel.ack(seen[0]!);
    await both.promise;
    assert.deepEqual(
      seen.map(({ content }) => content.toString()),
      ["one", "two"],
    );
  }),
  channelCase("an exclusive consumer lets no other in", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    await channel.consume(queue, () => {}, { exclusive: true, noAck: true });
    await refused(channel, () => channel.consume(queue, () => {}), {
      ...{ code: 403, text: /ACCESS_REFUSED - queue '.*' in vhost '\/' in exclusive use/ },
    });
  }),
  channelCase("a delivery that is unknown closes the channel", async (channel) => {
    const closed = told<RefusedError>(channel, "error");
    channel.ack({ fields: { deliveryTag: 7 } } as ConsumeMessage);
    const error = await closed;
    assert.equal(error.code, 406);
    assert.match(error.message, /PRECONDITION_FAILED - unknown delivery tag 7/);
  }),
  channelCase("a channel closes", (channel) => channel.close()),
];

const confirming: readonly ClientCase[] = [
  confirmCase("a message is confirmed", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    await new Promise<void>((resolve, reject) =>
      channel.sendToQueue(queue, Buffer.from("one"), {}, (error: Error | null) =>
        error === null ? resolve() : reject(error),
      ),
    );
    assert.equal((await channel.checkQueue(queue)).messageCount, 1);
  }),
  confirmCase("many messages are confirmed, several by one frame", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), transient);
    let several = false;
    channel.on("ack", ({ multiple }: { readonly multiple: boolean }) => (several ||= multiple));
    for (let count = 8; !several; count *= 2) {
      assert.ok(count < 10_000, "no frame confirmed more than one");
      for (let at = 0; at < count; at += 1) channel.sendToQueue(queue, Buffer.from("one"));
      await channel.waitForConfirms();
    }
  }),
  confirmCase("what goes nowhere is confirmed", async (channel) => {
    for (let at = 0; at < 1_000; at += 1) channel.publish("", "", Buffer.from("lost"));
    await channel.waitForConfirms();
  }),
  confirmCase(
    "what must arrive and cannot comes back before it is confirmed",
    async (channel, unique) => {
      const order: string[] = [];
      channel.on("return", ({ content, fields }) => {
        const { replyCode, replyText, routingKey } = fields as unknown as {
          readonly replyCode: number;
          readonly replyText: string;
          readonly routingKey: string;
        };
        order.push(`${content.toString()} ${replyCode} ${replyText} ${routingKey === key}`);
      });
      channel.on("ack", () => order.push("confirmed"));
      const key = unique("nowhere");
      channel.publish("", key, Buffer.from("lost"), { mandatory: true });
      await channel.waitForConfirms();
      assert.deepEqual(order, ["lost 312 NO_ROUTE true", "confirmed"]);
    },
  ),
  confirmCase("nothing is confirmed after the channel is closed", async (channel) => {
    for (let at = 0; at < 1_000; at += 1) channel.publish("", "", Buffer.from("lost"));
    await channel.close();
    await assert.rejects(channel.waitForConfirms(), /channel closed/);
  }),
  confirmCase("a full queue that rejects says so", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), {
      ...{ ...transient, maxLength: 1, arguments: { "x-overflow": "reject-publish" } },
    });
    channel.sendToQueue(queue, Buffer.from("one"));
    await channel.waitForConfirms();
    channel.sendToQueue(queue, Buffer.from("two"));
    await assert.rejects(channel.waitForConfirms());
  }),
];

export const amqplibChannel: readonly ClientCase[] = [
  ...declaring,
  ...moving,
  ...consuming,
  ...confirming,
];
