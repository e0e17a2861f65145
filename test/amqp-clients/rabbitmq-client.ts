// What the tests of rabbitmq-client ask of a broker, of its connections and channels (its `test/behavior.ts`, which its package does not carry).
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Connection, type AsyncMessage, type Channel, type ReturnedMessage } from "rabbitmq-client";
import { told, type ClientCase, type Stand } from "./stand.ts";

interface Coded {
  readonly code: string;
}

/** A case with a connection of its own, which it need not close. */
export function connectionCase(
  name: string,
  run: (connection: Connection, stand: Stand) => Promise<void>,
): ClientCase {
  return {
    name,
    async run(stand) {
      const connection = new Connection({ url: stand.url, retryLow: 1, retryHigh: 25 });
      try {
        await run(connection, stand);
      } finally {
        await connection.close();
      }
    },
  };
}

function channelCase(
  name: string,
  run: (channel: Channel, stand: Stand, connection: Connection) => Promise<void>,
): ClientCase {
  return connectionCase(name, async (connection, stand) => {
    const channel = await connection.acquire();
    try {
      await run(channel, stand, connection);
    } finally {
      await channel.close();
    }
  });
}

export function errorOf(emitter: NodeJS.EventEmitter): Promise<Coded & Error> {
  return told(emitter, "error");
}

const channels: readonly ClientCase[] = [
  channelCase("publishes, and gets one message at a time", async (channel) => {
    const { queue } = await channel.queueDeclare({ exclusive: true });
    assert.equal(await channel.basicGet({ queue }), undefined);
    await channel.basicPublish({ routingKey: queue }, { color: "green" });
    const first = await channel.basicGet({ queue });
    assert.ok(first);
    assert.equal(first.contentType, "application/json");
    assert.deepEqual(first.body, { color: "green" });
    channel.basicAck(first);
    await channel.basicPublish({ routingKey: queue }, "my data");
    const second = await channel.basicGet({ queue });
    assert.ok(second);
    assert.deepEqual([second.contentType, second.body], ["text/plain", "my data"]);
    channel.basicAck(second);
  }),
  channelCase("publishes with receipts", async (channel) => {
    await channel.confirmSelect();
    const { queue } = await channel.queueDeclare({ exclusive: true });
    await channel.basicPublish({ routingKey: queue }, "my data");
    assert.equal((await channel.queueDeclare({ queue, passive: true })).messageCount, 1);
  }),
  channelCase("consumes in order", async (channel) => {
    const { queue } = await channel.queueDeclare({ exclusive: true });
    await channel.basicPublish({ routingKey: queue }, "red");
    await channel.basicPublish({ routingKey: queue }, "black");
    const both = Promise.withResolvers<void>();
    const seen: AsyncMessage[] = [];
    const { consumerTag } = await channel.basicConsume({ queue }, (message) => {
      if (seen.push(message) === 2) both.resolve();
    });
    await both.promise;
    assert.deepEqual(
      seen.map(({ body, deliveryTag }) => [body, deliveryTag]),
      [
        ["red", 1],
        ["black", 2],
      ],
    );
    assert.equal((await channel.basicCancel({ consumerTag })).consumerTag, consumerTag);
  }),
  ...["my data", ""].map((text) =>
    channelCase(`what cannot arrive comes back: "${text}"`, async (channel, { unique }) => {
      const returned = told<ReturnedMessage>(channel, "basic.return");
      const routingKey = unique("nowhere");
      await channel.basicPublish({ routingKey, mandatory: true }, Buffer.from(text));
      const message = await returned;
      assert.equal(String(message.body), text);
      assert.deepEqual([message.replyText, message.replyCode], ["NO_ROUTE", 312]);
    }),
  ),
  channelCase("arrays and tables in headers come as they went", async (channel) => {
    const { queue } = await channel.queueDeclare({ exclusive: true });
    const headers = { list: ["red", "blue"], table: { a: [1, { b: false }] }, nothing: null };
    await channel.basicPublish({ routingKey: queue, headers }, "");
    const message = await channel.basicGet({ queue });
    assert.deepEqual(JSON.parse(JSON.stringify(message?.headers)), headers);
  }),
  channelCase("answers come in the order of the questions", async (channel, { unique }) => {
    const [red, blue] = [unique("red"), unique("blue")];
    const [, consumed, declared] = await Promise.all([
      channel.queueDeclare({ queue: red, exclusive: true }),
      channel.basicConsume({ queue: red, consumerTag: "red" }, () => {}),
      channel.queueDeclare({ queue: blue, exclusive: true }),
    ]);
    assert.deepEqual([consumed.consumerTag, declared.queue], ["red", blue]);
  }),
  channelCase("exchanges are bound, unbound and deleted", async (channel, { unique }) => {
    const [from, to] = [unique("from"), unique("to")];
    await channel.exchangeDeclare({ exchange: from, type: "topic" });
    await channel.exchangeDeclare({ exchange: to, type: "fanout" });
    const { queue } = await channel.queueDeclare({ exclusive: true });
    await channel.exchangeBind({ source: from, destination: to, routingKey: "a.*" });
    await channel.queueBind({ exchange: to, queue });
    await channel.basicPublish({ exchange: from, routingKey: "a.b" }, "one");
    assert.equal((await channel.basicGet({ queue, noAck: true }))?.body, "one");
    await channel.exchangeUnbind({ source: from, destination: to, routingKey: "a.*" });
    await channel.basicPublish({ exchange: from, routingKey: "a.b" }, "two");
    assert.equal(await channel.basicGet({ queue }), undefined);
    await channel.queueUnbind({ exchange: to, queue });
    await channel.exchangeDelete({ exchange: to });
    await channel.exchangeDelete({ exchange: from, ifUnused: true });
  }),
  channelCase("what is published in a transaction comes when it is committed", async (channel) => {
    const { queue } = await channel.queueDeclare({ exclusive: true });
    await channel.txSelect();
    await channel.basicPublish({ routingKey: queue }, "rolled back");
    await channel.txRollback();
    await channel.basicPublish({ routingKey: queue }, "committed");
    assert.equal(await channel.basicGet({ queue }), undefined);
    await channel.txCommit();
    assert.equal((await channel.basicGet({ queue, noAck: true }))?.body, "committed");
    await channel.txCommit();
  }),
];

const failing: readonly ClientCase[] = [
  channelCase("what is not there closes the channel", async (channel, { unique }) => {
    await assert.rejects(channel.queueDeclare({ passive: true, queue: unique("nowhere") }), {
      code: "NOT_FOUND",
    });
    assert.equal(channel.active, false);
  }),
  channelCase(
    "of three receipts the one for no exchange fails, and the next",
    async (channel, { unique }) => {
      await channel.confirmSelect();
      const key = unique("nowhere");
      const [first, second, third] = await Promise.allSettled([
        channel.basicPublish({ routingKey: key }, ""),
        channel.basicPublish({ routingKey: key, exchange: key }, ""),
        channel.basicPublish({ routingKey: key }, ""),
      ]);
      assert.equal(first.status, "fulfilled");
      assert.equal(second.status === "rejected" && (second.reason as Coded).code, "NOT_FOUND");
      assert.equal(third.status === "rejected" && (third.reason as Coded).code, "CH_CLOSE");
      assert.equal(channel.active, false);
    },
  ),
  channelCase(
    "publishing to no exchange is an error of the connection",
    async (channel, { unique }, connection) => {
      const failed = errorOf(connection);
      await channel.basicPublish({ routingKey: "", exchange: unique("nowhere") }, "");
      assert.equal((await failed).code, "NOT_FOUND");
    },
  ),
  channelCase(
    "acknowledging what was not delivered is an error",
    async (channel, _stand, connection) => {
      const failed = errorOf(connection);
      channel.basicAck({ deliveryTag: 1 });
      assert.equal((await failed).code, "PRECONDITION_FAILED");
    },
  ),
  channelCase(
    "an error of one channel leaves the others alone",
    async (channel, { unique }, connection) => {
      const other = await connection.acquire();
      await assert.rejects(channel.basicGet({ queue: unique("nowhere") }), { code: "NOT_FOUND" });
      const { queue } = await other.queueDeclare({ exclusive: true });
      await other.basicPublish({ routingKey: queue }, "still here");
      assert.equal((await other.basicGet({ queue, noAck: true }))?.body, "still here");
      await other.close();
      const next = await connection.acquire();
      assert.equal(next.id, channel.id);
      await next.close();
    },
  ),
  {
    name: "a wrong password is refused",
    async run({ host, port, user }) {
      const connection = new Connection(`amqp://${user}:wrong@${host}:${port}`);
      assert.equal((await errorOf(connection)).code, "ACCESS_REFUSED");
      await connection.close();
    },
  },
  {
    name: "no more channels than were agreed on",
    async run({ url }) {
      const connection = new Connection({ url, maxChannels: 1 });
      const channel = await connection.acquire();
      await assert.rejects(connection.acquire(), /maximum number of AMQP Channels/);
      await channel.close();
      const { queue } = await connection.queueDeclare({ exclusive: true });
      assert.match(queue, /^amq\.gen-/);
      await connection.close();
    },
  },
];

const connections: readonly ClientCase[] = [
  connectionCase("says when it is connected, and closes", async (connection) => {
    await connection.onConnect(5_000);
    assert.ok(connection.ready);
    await connection.onConnect(5_000);
  }),
  connectionCase("connects again when the connection is lost", async (connection, { cut }) => {
    await connection.onConnect(5_000);
    const lost = errorOf(connection);
    cut();
    assert.match((await lost).code, /CONN_CLOSE|ECONNRESET/);
    await told(connection, "connection");
    const channel = await connection.acquire();
    await channel.confirmSelect();
    await channel.basicQos({ prefetchCount: 1 });
    await channel.close();
  }),
  connectionCase(
    "a channel that is made by the way survives an error",
    async (connection, { unique }) => {
      const { queue } = await connection.queueDeclare({ exclusive: true });
      await assert.rejects(connection.queueDeclare({ queue: unique("nowhere"), passive: true }), {
        code: "NOT_FOUND",
      });
      assert.equal((await connection.queueDeclare({ queue, passive: true })).queue, queue);
    },
  ),
  {
    name: "heartbeats keep an idle connection",
    async run({ url }) {
      const connection = new Connection({ url, heartbeat: 1 });
      await connection.onConnect(5_000);
      connection.on("error", (error) => assert.fail(String(error)));
      const { _socket: socket } = connection as unknown as { readonly _socket: Socket };
      // Nothing else comes: whoever heard nothing for two of its seconds would end the connection.
      for (let heard = 0; heard < 3; heard += 1) await told(socket, "data");
      assert.ok(connection.ready);
      await connection.close();
    },
  },
  {
    name: "small frames carry what fits, and the rest in several",
    async run({ url }) {
      const connection = new Connection({ url, frameMax: 8_192 });
      await assert.rejects(
        connection.queueBind({
          ...{ queue: "any", routingKey: "any", exchange: "any" },
          arguments: { big: "0".repeat(9_000) },
        }),
        /frame size of/,
      );
      const { queue } = await connection.queueDeclare({ exclusive: true });
      const publisher = connection.createPublisher({ confirm: true });
      await publisher.send({ routingKey: queue }, "x".repeat(30_000));
      await publisher.close();
      const message = await connection.basicGet({ queue, noAck: true });
      assert.equal(String(message?.body).length, 30_000);
      await connection.close();
    },
  },
];

export const rabbitmqClient: readonly ClientCase[] = [...channels, ...failing, ...connections];
