// What the tests of RabbitMQ's own Java client found to be otherwise with us, and more of what they look at that no other suite does.
import assert from "node:assert/strict";
import type { Channel, ConsumeMessage, Message } from "amqplib";
import { Connection } from "rabbitmq-client";
import { channelCase } from "./amqplib-channel.ts";
import { told, type ClientCase } from "./stand.ts";

/** A consumer whose messages are asked for one by one. */
class Seen {
  readonly #messages: ConsumeMessage[] = [];
  #wake: () => void = () => {};
  readonly take = (message: ConsumeMessage | null): void => {
    if (message !== null) this.#messages.push(message);
    this.#wake();
  };

  /** How many came that nobody has asked for. */
  get waiting(): number {
    return this.#messages.length;
  }

  async next(): Promise<ConsumeMessage> {
    while (this.#messages.length === 0)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#messages.shift()!;
  }

  async texts(count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) texts.push((await this.next()).content.toString());
    return texts;
  }
}

async function filled(channel: Channel, options: object, ...texts: string[]): Promise<string> {
  const { queue } = await channel.assertQueue("", { exclusive: true, ...options });
  for (const text of texts) channel.sendToQueue(queue, Buffer.from(text));
  return queue;
}

/** What a queue has, once it has so many. */
async function got(channel: Channel, queue: string): Promise<Message> {
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (message !== false) return message;
  }
}

function deathsOf(headers: unknown): readonly Record<string, unknown>[] {
  return (headers as { readonly "x-death": readonly Record<string, unknown>[] })["x-death"];
}

/** The last one. */
function death({ properties }: Message): Record<string, unknown> {
  return deathsOf(properties.headers)[0]!;
}

const settling: readonly ClientCase[] = [
  channelCase(
    "what is recovered comes again, and no more than there is room for",
    async (channel) => {
      await channel.prefetch(2, true);
      const queue = await filled(channel, {}, "one", "two", "three");
      const seen = new Seen();
      await channel.consume(queue, seen.take);
      assert.deepEqual(await seen.texts(2), ["one", "two"]);
      await channel.recover();
      const again = [await seen.next(), await seen.next()];
      await channel.checkQueue(queue);
      assert.equal(seen.waiting, 0);
      channel.ack(again[1]!, true);
      again.push(await seen.next());
      // RabbitMQ may give the third before it has taken back the first two.
      assert.deepEqual(
        again
          .map(({ content, fields }) => `${content.toString()} ${fields.redelivered}`)
          .toSorted(),
        ["one true", "three false", "two true"],
      );
    },
  ),
  channelCase("what several consumers may have together goes to each in turn", async (channel) => {
    await channel.prefetch(1, true);
    const texts = Array.from({ length: 100 }, (_, index) => String(index));
    const queues = [await filled(channel, {}, ...texts), await filled(channel, {}, ...texts)];
    const from: string[] = [];
    const seen = new Seen();
    for (const queue of queues)
      await channel.consume(queue, (message) => {
        from.push(queue);
        seen.take(message);
      });
    for (let at = 0; new Set(from).size < queues.length; at += 1) {
      assert.ok(at < texts.length, "one queue was emptied, and nothing came of the other");
      channel.ack(await seen.next());
    }
  }),
  channelCase("what is nacked together keeps its order", async (channel) => {
    await channel.prefetch(3);
    const queue = await filled(channel, {}, "one", "two", "three", "four");
    const seen = new Seen();
    await channel.consume(queue, seen.take);
    await seen.texts(2);
    channel.nack(await seen.next(), true, true);
    assert.deepEqual(await seen.texts(3), ["one", "two", "three"]);
  }),
  {
    name: "what was settled in a transaction that never ended comes back",
    async run({ url }) {
      const connection = new Connection(url);
      const { queue } = await connection.queueDeclare({ exclusive: true });
      const channel = await connection.acquire();
      for (const text of ["one", "two"]) await channel.basicPublish({ routingKey: queue }, text);
      await channel.txSelect();
      const one = await channel.basicGet({ queue });
      assert.ok(one);
      channel.basicAck(one);
      await channel.basicGet({ queue });
      await channel.close();
      const again = await connection.acquire();
      const texts: unknown[] = [];
      while (texts.length < 2) {
        const message = await again.basicGet({ queue, noAck: true });
        if (message !== undefined) texts.push([message.body, message.redelivered]);
      }
      assert.deepEqual(texts, [
        ["one", true],
        ["two", true],
      ]);
      await again.close();
      await connection.close();
    },
  },
];

const dying: readonly ClientCase[] = [
  channelCase("what may not wait goes to a consumer, and else nowhere", async (channel) => {
    const queue = await filled(channel, { messageTtl: 0 }, "nobody waits for it");
    assert.equal(await channel.get(queue), false);
    const seen = new Seen();
    await channel.consume(queue, seen.take);
    channel.sendToQueue(queue, Buffer.from("somebody does"));
    const message = await seen.next();
    assert.equal(message.content.toString(), "somebody does");
    channel.reject(message, true);
    await channel.checkQueue(queue);
    assert.equal(seen.waiting, 0);
  }),
  channelCase("what is too much dies at the head", async (channel) => {
    const grave = await filled(channel, {});
    const options = { maxLength: 2, deadLetterExchange: "", deadLetterRoutingKey: grave };
    const queue = await filled(channel, options, "one", "two", "three");
    const dead = await got(channel, grave);
    assert.equal(dead.content.toString(), "one");
    assert.deepEqual(
      [death(dead)["reason"], death(dead)["queue"], death(dead)["count"]],
      ["maxlen", queue, 1],
    );
    assert.equal((await channel.checkQueue(queue)).messageCount, 2);
  }),
  channelCase("a message that dies again is counted again", async (channel, unique) => {
    const [first, second] = [unique("first"), unique("second")];
    const to = (deadLetterRoutingKey: string): object => ({
      ...{ deadLetterExchange: "", deadLetterRoutingKey, exclusive: true },
    });
    await channel.assertQueue(first, to(second));
    await channel.assertQueue(second, to(first));
    channel.sendToQueue(first, Buffer.from("one"));
    for (const queue of [first, second, first, second]) {
      let message = await channel.get(queue);
      while (message === false) message = await channel.get(queue);
      channel.reject(message, false);
    }
    const { headers } = (await got(channel, first)).properties;
    assert.deepEqual(
      deathsOf(headers).map(({ queue, count }) => [queue, count]),
      [
        [second, 2],
        [first, 2],
      ],
    );
    assert.equal(headers?.["x-first-death-queue"], first);
  }),
  channelCase("a queue that nobody uses goes, and what lived by it", async (channel, unique) => {
    const [queue, exchange] = [unique("queue"), unique("exchange")];
    await channel.assertQueue(queue, { expires: 50 });
    await channel.assertExchange(exchange, "fanout", { durable: false, autoDelete: true });
    await channel.bindQueue(queue, exchange, "");
    const gone = told<Error>(channel, "error");
    // To look at the queue would be to use it.
    const looks = async (): Promise<void> => {
      for (;;) await channel.checkExchange(exchange);
    };
    await assert.rejects(looks(), /404/);
    await gone;
  }),
  ...(["requeue", "publish"] as const).map((how) =>
    channelCase(`a full queue stays as short as it should on ${how}`, async (channel) => {
      const queue = await filled(channel, { maxLength: 1 }, "one");
      const message = await channel.get(queue);
      assert.ok(message);
      channel.sendToQueue(queue, Buffer.from("two"));
      if (how === "requeue") channel.reject(message, true);
      else channel.sendToQueue(queue, Buffer.from("three"));
      const last = await got(channel, queue);
      assert.equal(last.content.toString(), how === "requeue" ? "two" : "three");
      assert.equal(await channel.get(queue), false);
    }),
  ),
];

const routing: readonly ClientCase[] = [
  channelCase("CC and BCC bring copies, and nobody reads of BCC", async (channel) => {
    const [one, two, three] = [
      await filled(channel, {}),
      await filled(channel, {}),
      await filled(channel, {}),
    ];
    channel.publish("", one, Buffer.from("x"), { CC: [two], BCC: [three] });
    for (const queue of [one, two, three]) {
      const { headers } = (await got(channel, queue)).properties;
      assert.deepEqual(headers, { CC: [two] });
    }
  }),
  channelCase("what goes nowhere takes the alternate way", async (channel, unique) => {
    const [main, spare] = [unique("main"), unique("spare")];
    await channel.assertExchange(spare, "fanout", { durable: false });
    await channel.assertExchange(main, "direct", { durable: false, alternateExchange: spare });
    const queue = await filled(channel, {});
    await channel.bindQueue(queue, spare, "");
    channel.publish(main, "nowhere", Buffer.from("found"));
    const message = await got(channel, queue);
    assert.deepEqual(
      [message.content.toString(), message.fields.exchange, message.fields.routingKey],
      ["found", main, "nowhere"],
    );
    await channel.deleteExchange(main);
    await channel.deleteExchange(spare);
  }),
  channelCase(
    "an exchange that goes with its last binding takes the next one along",
    async (channel, unique) => {
      const [from, to] = [unique("from"), unique("to")];
      const options = { durable: false, autoDelete: true };
      await channel.assertExchange(from, "fanout", options);
      await channel.assertExchange(to, "fanout", options);
      const queue = await filled(channel, {});
      await channel.bindExchange(to, from, "");
      await channel.bindQueue(queue, to, "");
      await channel.deleteQueue(queue);
      const gone = told<Error>(channel, "error");
      await assert.rejects(channel.checkExchange(from), /404/);
      await gone;
    },
  ),
  channelCase("what is not bound is unbound all the same", async (channel, unique) => {
    const queue = await filled(channel, {});
    await channel.unbindQueue(queue, "amq.fanout", "nowhere");
    await channel.unbindQueue(queue, unique("nowhere"), "nowhere");
    await channel.unbindQueue(unique("nowhere"), "amq.fanout", "nowhere");
  }),
  channelCase("the default exchange is nobody's to bind", async (channel) => {
    const queue = await filled(channel, {});
    const closed = told<Error>(channel, "error");
    await assert.rejects(channel.bindQueue(queue, "", "key"), /403 \(ACCESS-REFUSED\)/);
    await closed;
  }),
  channelCase("nobody publishes to an internal exchange", async (channel, unique) => {
    const exchange = unique("internal");
    const options = { durable: false, internal: true, autoDelete: true };
    await channel.assertExchange(exchange, "fanout", options);
    const closed = told<Error>(channel, "error");
    channel.publish(exchange, "", Buffer.from("x"));
    assert.match((await closed).message, /403 \(ACCESS-REFUSED\).*cannot publish to internal/);
  }),
  channelCase("who consumes with a higher priority is served first", async (channel) => {
    const queue = await filled(channel, {});
    const from: string[] = [];
    const all = Promise.withResolvers<void>();
    for (const [tag, priority] of [
      ["low", -1],
      ["middle", 0],
      ["high", 5],
    ] as const) {
      const other = tag === "high" ? 2 : 1;
      await channel.prefetch(other);
      await channel.consume(
        queue,
        () => {
          if (from.push(tag) === 4) all.resolve();
        },
        { priority },
      );
    }
    for (const text of ["1", "2", "3", "4"]) channel.sendToQueue(queue, Buffer.from(text));
    await all.promise;
    assert.deepEqual(from, ["high", "high", "middle", "low"]);
  }),
  channelCase("what is one's alone is not declared again for all", async (channel, unique) => {
    const { queue } = await channel.assertQueue(unique("queue"), { exclusive: true });
    const closed = told<Error>(channel, "error");
    await assert.rejects(
      channel.assertQueue(queue, { exclusive: false }),
      /405 \(RESOURCE-LOCKED\)/,
    );
    await closed;
  }),
  channelCase("a name that was given is not declared again", async (channel) => {
    const queue = await filled(channel, {});
    const closed = told<Error>(channel, "error");
    await assert.rejects(
      channel.assertQueue(queue, { exclusive: true }),
      /403 \(ACCESS-REFUSED\).*contains reserved prefix 'amq\.\*'/,
    );
    await closed;
  }),
  channelCase("one is active, and the next one follows", async (channel) => {
    const queue = await filled(channel, { arguments: { "x-single-active-consumer": true } });
    const [first, second] = [new Seen(), new Seen()];
    const { consumerTag } = await channel.consume(queue, first.take, { noAck: true });
    await channel.consume(queue, second.take, { noAck: true });
    for (const text of ["one", "two"]) channel.sendToQueue(queue, Buffer.from(text));
    assert.deepEqual(await first.texts(2), ["one", "two"]);
    await channel.cancel(consumerTag);
    channel.sendToQueue(queue, Buffer.from("three"));
    assert.deepEqual(await second.texts(1), ["three"]);
  }),
];

export const rabbitmqBehaviour: readonly ClientCase[] = [...settling, ...dying, ...routing];
