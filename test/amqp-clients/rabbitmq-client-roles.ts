// What the tests of rabbitmq-client ask of a broker, of its publishers, consumers and clients of calls.
import assert from "node:assert/strict";
import {
  ConsumerStatus,
  type AsyncMessage,
  type Connection,
  type Consumer,
  type ConsumerProps,
  type ReturnedMessage,
} from "rabbitmq-client";
import { connectionCase, errorOf } from "./rabbitmq-client.ts";
import { told, type ClientCase } from "./stand.ts";

/** A message whose handler waits until the case says what becomes of it. */
interface Held {
  readonly message: AsyncMessage;
  reply(body: string): Promise<void>;
  end(status: ConsumerStatus | Error): void;
}

/** A consumer whose messages the case reads one after the other. */
class Reader {
  readonly consumer: Consumer;
  readonly #held: Held[] = [];
  #wake: () => void = () => {};

  constructor(connection: Connection, props: ConsumerProps) {
    this.consumer = connection.createConsumer(props, (message, reply) => {
      const { promise, resolve, reject } = Promise.withResolvers<ConsumerStatus>();
      this.#held.push({
        message,
        reply: (body) => reply(body),
        end: (status) => (status instanceof Error ? reject(status) : resolve(status)),
      });
      this.#wake();
      return promise;
    });
  }

  async next(): Promise<Held> {
    while (this.#held.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#held.shift()!;
  }
}

const { ACK, REQUEUE, DROP } = ConsumerStatus;

const publishing: readonly ClientCase[] = [
  connectionCase(
    "a publisher declares, returns, and goes on after errors",
    async (connection, { unique, cut }) => {
      const queue = unique("queue");
      const publisher = connection.createPublisher({
        confirm: true,
        maxAttempts: 5,
        queues: [{ queue, exclusive: true }],
      });
      const returned = told<ReturnedMessage>(publisher, "basic.return");
      await publisher.send({ routingKey: unique("nowhere"), mandatory: true }, "comes back");
      assert.equal((await returned).body, "comes back");
      await publisher.send(queue, "arrives");
      assert.equal((await connection.basicGet({ queue, noAck: true }))?.body, "arrives");
      await assert.rejects(publisher.send({ exchange: unique("nowhere") }, ""), {
        code: "NOT_FOUND",
      });
      await publisher.send(queue, "on a new channel");
      const lost = errorOf(connection);
      cut();
      await lost;
      await publisher.send(queue, "on a new connection");
      assert.equal(
        (await connection.basicGet({ queue, noAck: true }))?.body,
        "on a new connection",
      );
      await publisher.close();
      await assert.rejects(publisher.send(queue, ""), { code: "CLOSED" });
    },
  ),
  connectionCase(
    "what a publisher could not declare is tried again",
    async (connection, { unique }) => {
      const queue = unique("queue");
      const publisher = connection.createPublisher({
        confirm: true,
        queues: [{ passive: true, queue }],
      });
      await assert.rejects(publisher.send(queue, "hello"), { code: "NOT_FOUND" });
      await connection.queueDeclare({ queue, exclusive: true });
      await publisher.send(queue, "hello");
      await publisher.close();
    },
  ),
  connectionCase(
    "many first messages wait for one setup, and keep their order",
    async (connection, { unique }) => {
      const queue = unique("queue");
      const publisher = connection.createPublisher({
        confirm: true,
        queues: [{ queue, exclusive: true }],
      });
      await Promise.all(["green", "red", "blue"].map((text) => publisher.send(queue, text)));
      for (const text of ["green", "red", "blue"])
        assert.equal((await connection.basicGet({ queue, noAck: true }))?.body, text);
      await publisher.close();
    },
  ),
  connectionCase(
    "a publisher tries again when its exchange is gone",
    async (connection, { unique }) => {
      const exchange = unique("exchange");
      const publisher = connection.createPublisher({
        ...{ confirm: true, maxAttempts: 2, exchanges: [{ exchange, autoDelete: false }] },
      });
      await publisher.send({ exchange }, "first");
      await connection.exchangeDelete({ exchange });
      const retried = told<{ readonly code: string }>(publisher, "retry");
      await publisher.send({ exchange }, "second");
      assert.equal((await retried).code, "NOT_FOUND");
      await publisher.close();
      await connection.exchangeDelete({ exchange });
    },
  ),
];

const consuming: readonly ClientCase[] = [
  connectionCase(
    "a consumer that is closed at once was ready before",
    async (connection, { unique }) => {
      const consumer = connection.createConsumer(
        { queue: unique("queue"), queueOptions: { exclusive: true } },
        () => {},
      );
      const ready = told(consumer, "ready");
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([ready, consumer.close()]);
    },
  ),
  connectionCase(
    "a consumer goes on after errors, deletion and a lost connection",
    async (connection, { unique, cut }) => {
      const [queue, exchange] = [unique("queue"), unique("exchange")];
      const reader = new Reader(connection, {
        ...{ queue, requeue: true, queueOptions: { exclusive: true } },
        exchanges: [{ autoDelete: true, exchange, type: "topic" }],
        queueBindings: [{ queue, exchange, routingKey: "audit.*" }],
      });
      const { consumer } = reader;
      const errors: string[] = [];
      consumer.on("error", (error: { code?: string; message: string }) =>
        errors.push(error.code ?? error.message),
      );
      connection.on("error", () => {});
      await told(consumer, "ready");
      const publisher = connection.createPublisher({ confirm: true, maxAttempts: 5 });
      await publisher.send({ exchange, routingKey: "audit.test" }, "red");
      const first = await reader.next();
      assert.deepEqual([first.message.body, first.message.redelivered], ["red", false]);
      first.end(new Error("my handler failed"));
      const again = await reader.next();
      assert.equal(again.message.redelivered, true);
      again.end(ACK);
      let ready = told(consumer, "ready");
      const { messageCount } = await connection.queueDelete({ queue });
      assert.equal(messageCount, 0);
      await ready;
      ready = told(consumer, "ready");
      cut();
      await ready;
      await publisher.send({ exchange, routingKey: "audit.test" }, "blue");
      const last = await reader.next();
      assert.equal(last.message.body, "blue");
      last.end(ACK);
      assert.deepEqual(errors.slice(0, 2), ["my handler failed", "CANCEL_FORCED"]);
      await publisher.close();
      await consumer.close();
    },
  ),
  connectionCase("a consumer waits for its queue", async (connection, { unique }) => {
    const queue = unique("queue");
    const { consumer } = new Reader(connection, { queue, queueOptions: { passive: true } });
    assert.equal((await errorOf(consumer)).code, "NOT_FOUND");
    consumer.on("error", () => {});
    const ready = told(consumer, "ready");
    await connection.queueDeclare({ queue, exclusive: true });
    await ready;
    assert.equal((await connection.queueDeclare({ queue, passive: true })).consumerCount, 1);
    await consumer.close();
  }),
  connectionCase(
    "one at a time, and what was waiting comes again after an error",
    async (connection, { unique }) => {
      const queue = unique("queue");
      const reader = new Reader(connection, {
        ...{ queue, queueOptions: { exclusive: true }, concurrency: 1 },
      });
      reader.consumer.on("error", () => {});
      await told(reader.consumer, "ready");
      const publisher = connection.createPublisher({ confirm: true });
      for (const text of ["red", "blue", "green"]) await publisher.send(queue, text);
      const red = await reader.next();
      assert.deepEqual([red.message.body, red.message.redelivered], ["red", false]);
      red.end(ACK);
      const blue = await reader.next();
      assert.equal(blue.message.body, "blue");
      // A delivery that nobody knows closes the consumer's channel, and it begins anew.
      const ready = told(reader.consumer, "ready");
      const failed = told(reader.consumer, "error");
      const channel = (reader.consumer as unknown as { _ch: { basicAck(what: object): void } })._ch;
      channel.basicAck({ deliveryTag: 404 });
      await failed;
      blue.end(ACK);
      await ready;
      for (const text of ["blue", "green"]) {
        const held = await reader.next();
        assert.deepEqual([held.message.body, held.message.redelivered], [text, true]);
        held.end(ACK);
      }
      await publisher.close();
      await reader.consumer.close();
    },
  ),
  connectionCase("a handler says what becomes of a message", async (connection, { unique }) => {
    const [queue, grave, exchange] = [unique("queue"), unique("grave"), unique("exchange")];
    const dead = new Reader(connection, {
      ...{ queue: grave, queueOptions: { exclusive: true } },
      queueBindings: [{ exchange, routingKey: queue }],
      exchanges: [{ exchange, type: "fanout", autoDelete: true }],
    });
    await told(dead.consumer, "ready");
    const reader = new Reader(connection, {
      ...{ queue, requeue: false },
      queueOptions: { exclusive: true, arguments: { "x-dead-letter-exchange": exchange } },
    });
    reader.consumer.on("error", () => {});
    await told(reader.consumer, "ready");
    const publisher = connection.createPublisher({ confirm: true });
    await publisher.send(queue, "red");
    (await reader.next()).end(new Error("expected"));
    const red = await dead.next();
    assert.equal(red.message.body, "red");
    red.end(ACK);
    await publisher.send(queue, "blue");
    (await reader.next()).end(REQUEUE);
    const again = await reader.next();
    assert.equal(again.message.redelivered, true);
    again.end(DROP);
    const blue = await dead.next();
    assert.equal(blue.message.body, "blue");
    const headers = blue.message.headers as { readonly "x-death": [Record<string, unknown>] };
    const [death] = headers["x-death"];
    assert.deepEqual(
      [death["queue"], death["reason"], death["exchange"], death["count"]],
      [queue, "rejected", "", 1],
    );
    assert.deepEqual(death["routing-keys"], [queue]);
    blue.end(ACK);
    const { acknowledged, requeued, dropped } = reader.consumer.stats;
    assert.deepEqual([acknowledged, requeued, dropped], [0, 1, 2]);
    await publisher.close();
    await Promise.all([reader.consumer.close(), dead.consumer.close()]);
  }),
  connectionCase("a consumer starts when it is asked, and again", async (connection) => {
    const { consumer } = new Reader(connection, { queueOptions: { exclusive: true }, lazy: true });
    for (let round = 0; round < 2; round += 1) {
      const ready = told(consumer, "ready");
      consumer.start();
      await ready;
      await consumer.close();
    }
  }),
];

const calling: readonly ClientCase[] = [
  connectionCase("a call is answered by direct reply-to", async (connection, { unique }) => {
    const queue = unique("queue");
    const server = connection.createConsumer(
      { queue, queueOptions: { exclusive: true } },
      async (message, reply) => reply(`${String(message.body)} PONG`),
    );
    await told(server, "ready");
    const client = connection.createRPCClient({ confirm: true });
    assert.equal((await client.send(queue, "PING")).body, "PING PONG");
    await client.close();
    await server.close();
  }),
  connectionCase("a call that nobody answers ends", async (connection, { unique }) => {
    const queue = unique("queue");
    const client = connection.createRPCClient({
      ...{ confirm: true, timeout: 10, queues: [{ queue, exclusive: true }] },
    });
    await assert.rejects(client.send(queue, ""), { code: "RPC_TIMEOUT" });
    await client.close();
  }),
  connectionCase("calls go on after errors", async (connection, { unique }) => {
    const queue = unique("queue");
    const client = connection.createRPCClient({
      confirm: true,
      queues: [{ queue, passive: true }],
    });
    await assert.rejects(client.send(queue, ""), { code: "NOT_FOUND" });
    await connection.queueDeclare({ queue, exclusive: true });
    const [first, second] = await Promise.allSettled([
      client.send(queue, ""),
      client.send({ exchange: unique("nowhere"), routingKey: queue }, ""),
    ]);
    assert.equal(first.status === "rejected" && first.reason.code, "RPC_CLOSED");
    assert.equal(second.status === "rejected" && second.reason.code, "NOT_FOUND");
    const server = connection.createConsumer(
      { queue, queueOptions: { exclusive: true } },
      async (_message, reply) => reply("PONG"),
    );
    assert.equal((await client.send(queue, "PING")).body, "PONG");
    await client.close();
    await server.close();
  }),
  connectionCase("a late answer is nobody's", async (connection, { unique }) => {
    const queue = unique("queue");
    const server = new Reader(connection, { queue, queueOptions: { exclusive: true } });
    await told(server.consumer, "ready");
    const client = connection.createRPCClient({ confirm: true, timeout: 5_000 });
    await Promise.allSettled([
      client.send(queue, "first"),
      client.send({ exchange: unique("nowhere") }, null),
    ]);
    const sending = client.send(queue, "second");
    for (const text of ["first", "second"]) {
      const held = await server.next();
      assert.equal(held.message.body, text);
      await held.reply(`answer to ${text}`);
      held.end(ACK);
    }
    assert.equal((await sending).body, "answer to second");
    await client.close();
    await server.consumer.close();
  }),
];

export const rabbitmqClientRoles: readonly ClientCase[] = [...publishing, ...consuming, ...calling];
