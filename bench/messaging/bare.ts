import { randomUUID } from "node:crypto";
import {
  Admin,
  Consumer,
  ProduceAcks,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { Connection } from "rabbitmq-client";
import type { Carrier, Order } from "./post.ts";

const partitions = 12;
const prefetch = 512;

/** The client of RabbitMQ that we use, bare: quorum queues by key through a consistent hash, confirms, JSON, no validation. */
export function bareRabbitmq(address: string): Carrier {
  return {
    peer: "rabbitmq-client",
    over: "rabbitmq",
    receipt: "on the disk of a quorum queue",
    async open(heard) {
      const connection = new Connection(address);
      const exchange = `bench-${randomUUID()}`;
      const setup = await connection.acquire();
      await setup.exchangeDeclare({ exchange, type: "x-consistent-hash", durable: true });
      const queues = Array.from({ length: partitions }, (_, i) => `${exchange}.${i}`);
      const reader = await connection.acquire();
      await reader.basicQos({ prefetchCount: prefetch });
      for (const queue of queues) {
        const argumentsOf = { "x-queue-type": "quorum", "x-single-active-consumer": true } as const;
        await setup.queueDeclare({ queue, durable: true, arguments: argumentsOf });
        await setup.queueBind({ exchange, queue, routingKey: "1" });
        await reader.basicConsume({ queue }, (message) => {
          heard(message.body as Order);
          reader.basicAck({ deliveryTag: message.deliveryTag });
        });
      }
      const writer = await connection.acquire();
      await writer.confirmSelect();
      return {
        send: (order) =>
          writer.basicPublish(
            { exchange, routingKey: order.id, durable: true, messageId: randomUUID() },
            order,
          ),
        close: async () => {
          for (const queue of queues) await setup.queueDelete({ queue });
          await setup.exchangeDelete({ exchange });
          // It waits for all channels that were acquired.
          for (const channel of [writer, reader, setup]) await channel.close();
          await connection.close();
        },
      };
    },
  };
}

/** The client of Kafka that we use, bare: an idempotent producer that sends what comes in one turn in one batch, JSON, no validation. */
export function bareKafka(address: string): Carrier {
  return {
    peer: "@platformatic/kafka",
    over: "kafka",
    receipt: "by all in-sync replicas",
    async open(heard) {
      const bootstrapBrokers = [address.replace(/^kafka:\/\//, "")];
      const topic = `bench-${randomUUID()}`;
      const given = { clientId: "bench", bootstrapBrokers };
      const admin = new Admin(given);
      await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
      const producer = new Producer({ ...given, serializers: stringSerializers, idempotent: true });
      const consumer = new Consumer({
        ...given,
        groupId: `${topic}-counters`,
        deserializers: stringDeserializers,
      });
      const stream = await consumer.consume({
        topics: [topic],
        autocommit: 100,
        mode: "earliest",
        maxWaitTime: 50,
      });
      stream.on("data", (message) => heard(JSON.parse(message.value) as Order));
      let waiting: { order: Order; resolve: () => void; reject: (error: unknown) => void }[] = [];
      const flush = async (): Promise<void> => {
        const batch = waiting;
        waiting = [];
        try {
          const messages = batch.map(({ order }) => ({
            topic,
            key: order.id,
            value: JSON.stringify(order),
            headers: { id: randomUUID() },
          }));
          await producer.send({ messages, acks: ProduceAcks.ALL });
          for (const { resolve } of batch) resolve();
        } catch (error) {
          for (const { reject } of batch) reject(error);
        }
      };
      return {
        send: (order) =>
          new Promise<void>((resolve, reject) => {
            if (waiting.length === 0) setImmediate(() => void flush());
            waiting.push({ order, resolve, reject });
          }),
        close: async () => {
          await stream.close();
          await consumer.close(true);
          await producer.close();
          await admin.deleteTopics({ topics: [topic] });
          await admin.close();
        },
      };
    },
  };
}
