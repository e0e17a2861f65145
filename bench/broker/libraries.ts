import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { connect } from "amqplib";
import { Connection } from "rabbitmq-client";
import { Meter, type LoadAnswer } from "./meter.ts";
import type { Place } from "./raw-connection.ts";
import { bodyBytes, prefetch, type LoadQuestion } from "./raw-load.ts";

/** A library at work on a queue of its own. */
interface Post {
  /** Resolves when it is confirmed. */
  send(body: Buffer): Promise<void>;
  /** Hands the bodies of all messages over, and acknowledges them. */
  consume(hear: (body: Uint8Array) => void): Promise<void>;
  /** Deletes the queue, and leaves. */
  close(): Promise<void>;
}

export type Library = "amqplib" | "rabbitmq-client" | "nats";

const libraries: Readonly<Record<Library, (question: LoadQuestion) => Promise<Post>>> = {
  amqplib,
  "rabbitmq-client": rabbitmqClient,
  nats,
};

/** With a sync for each message, hundreds wait long for theirs. */
const confirmedWithinMs = 60_000;

/** The same load as the raw one, by a library: what its user sees. */
export async function libraryLoad(library: Library, question: LoadQuestion): Promise<LoadAnswer> {
  const post = await libraries[library](question);
  const meter = new Meter(question.seconds, question.consumes ? "both, each once" : "confirmed");
  let sent = 0;
  let wanted = Infinity;
  const done = Promise.withResolvers<void>();
  if (question.consumes)
    await post.consume((body) => {
      meter.consume(Buffer.from(body.buffer, body.byteOffset, 4).readUInt32BE(), performance.now());
      if (meter.consumed >= wanted) done.resolve();
    });
  const lane = async (): Promise<void> => {
    for (let now = performance.now(); !meter.over(now);) {
      const body = Buffer.alloc(bodyBytes, 0x61);
      body.writeUInt32BE(sent++);
      await post.send(body);
      const sentAt = now;
      meter.confirm(sentAt, (now = performance.now()));
    }
  };
  await Promise.all(Array.from({ length: question.inFlight }, lane));
  wanted = sent;
  if (question.consumes && meter.consumed < wanted) await done.promise;
  const answer = meter.answer();
  await post.close();
  return answer;
}

/** With it goes `noDelay`: by default each small write of these libraries waits 40 ms for the other side, whichever broker that is. */
function urlOf({ user, password, port }: Place): string {
  return `amqp://${user}:${password}@127.0.0.1:${port}`;
}

async function amqplib({ place, queue, queueArguments }: LoadQuestion): Promise<Post> {
  const connection = await connect(urlOf(place), { noDelay: true });
  const publisher = await connection.createConfirmChannel();
  const consumer = await connection.createChannel();
  await publisher.assertQueue(queue, { durable: true, arguments: queueArguments });
  await consumer.prefetch(prefetch);
  return {
    send: (body) =>
      new Promise((resolve, reject) => {
        publisher.sendToQueue(queue, body, { persistent: true }, (error: Error | null) =>
          error === null ? resolve() : reject(error),
        );
      }),
    async consume(hear) {
      await consumer.consume(queue, (message) => {
        if (message === null) return;
        hear(message.content);
        consumer.ack(message);
      });
    },
    async close() {
      await publisher.deleteQueue(queue);
      await connection.close();
    },
  };
}

async function rabbitmqClient({ place, queue, queueArguments }: LoadQuestion): Promise<Post> {
  const connection = new Connection({ url: urlOf(place), noDelay: true });
  const publisher = await connection.acquire();
  await publisher.confirmSelect();
  const consumer = await connection.acquire();
  await publisher.queueDeclare({ queue, durable: true, arguments: queueArguments });
  await consumer.basicQos({ prefetchCount: prefetch });
  return {
    send: (body) => publisher.basicPublish({ routingKey: queue, durable: true }, body),
    async consume(hear) {
      await consumer.basicConsume({ queue }, (message) => {
        hear(message.body as Buffer);
        consumer.basicAck({ deliveryTag: message.deliveryTag });
      });
    },
    async close() {
      await publisher.queueDelete({ queue });
      for (const channel of [publisher, consumer]) await channel.close();
      await connection.close();
    },
  };
}

/** A stream that keeps until it is acknowledged: what a queue is there. */
async function nats({ place, queue }: LoadQuestion): Promise<Post> {
  const connection = await connectNats({ servers: `127.0.0.1:${place.port}` });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: queue,
    subjects: [queue],
    retention: RetentionPolicy.Workqueue,
  });
  const stream = jetstream(connection);
  return {
    async send(body) {
      await stream.publish(queue, body, { timeout: confirmedWithinMs });
    },
    async consume(hear) {
      const durable = { durable_name: "c", ack_policy: AckPolicy.Explicit };
      await manager.consumers.add(queue, { ...durable, max_ack_pending: prefetch });
      const consumer = await stream.consumers.get(queue, "c");
      const messages = await consumer.consume({ max_messages: prefetch });
      void (async () => {
        for await (const message of messages) {
          hear(message.data);
          message.ack();
        }
      })();
    },
    async close() {
      await manager.streams.delete(queue);
      await connection.close();
    },
  };
}
