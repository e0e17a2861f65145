import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Controller } from "@nestjs/common";
import { Admin } from "@platformatic/kafka";
import { NestFactory } from "@nestjs/core";
import {
  ClientProxyFactory,
  EventPattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from "@nestjs/microservices";
import { ServiceBroker } from "moleculer";
import { lastValueFrom } from "rxjs";
import type { Carrier, Order } from "./post.ts";

/** NestJS as its documentation shows it, its queue durable and its messages persistent: `emit` is over when the message was written. */
export function nest(over: "rabbitmq" | "kafka", address: string): Carrier {
  return {
    peer: "NestJS",
    over,
    receipt: over === "kafka" ? "by the leader" : "none: written to the socket",
    async open(heard) {
      const name = `bench-${randomUUID()}`;
      const options =
        over === "rabbitmq" ? rabbitmqOptions(address, name) : kafkaOptions(address, name);
      if (over === "kafka") await makeTopic(address, name);
      class Counter {
        ordered(order: Order): void {
          heard(order);
        }
      }
      decorate(Counter, name);
      const module = { module: Counter, controllers: [Counter] };
      const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
        ...options,
        logger: false,
      });
      await app.listen();
      const client = ClientProxyFactory.create(options as never);
      await client.connect();
      return {
        send: async (order) => {
          const payload = over === "kafka" ? { key: order.id, value: order } : order;
          await lastValueFrom(client.emit(name, payload), { defaultValue: undefined });
        },
        close: async () => {
          client.close();
          await app.close();
        },
      };
    },
  };
}

const looksMax = 100;
const lookMs = 50;

/** Its client finds a topic that is just being made not yet there, and gives up. */
async function makeTopic(address: string, topic: string): Promise<void> {
  const bootstrapBrokers = [address.replace(/^kafka:\/\//, "")];
  const admin = new Admin({ clientId: "bench", bootstrapBrokers });
  await admin.createTopics({ topics: [topic], partitions: 12, replicas: 1 });
  for (let looks = 0; looks < looksMax; looks++) {
    const there = await admin.metadata({ topics: [topic] }).catch(() => undefined);
    const partitions = there?.topics.get(topic)?.partitions ?? [];
    if (partitions.length === 12 && partitions.every(({ leader }) => leader >= 0)) break;
    await pause(lookMs);
  }
  await admin.close();
}

/** What `@Controller()` and its kind would write; this repository has no decorators. */
function decorate(of: new () => { ordered(order: Order): void }, name: string): void {
  Controller()(of);
  const descriptor = Object.getOwnPropertyDescriptor(of.prototype, "ordered")!;
  EventPattern(name)(of.prototype as object, "ordered", descriptor);
  Payload()(of.prototype as object, "ordered", 0);
}

function rabbitmqOptions(address: string, queue: string): MicroserviceOptions {
  return {
    transport: Transport.RMQ,
    options: {
      urls: [address],
      queue,
      queueOptions: { durable: true },
      persistent: true,
      noAck: true,
      prefetchCount: 512,
    },
  };
}

function kafkaOptions(address: string, clientId: string): MicroserviceOptions {
  return {
    transport: Transport.KAFKA,
    options: {
      client: {
        clientId,
        brokers: [address.replace(/^kafka:\/\//, "")],
        logCreator: () => () => {},
      },
      consumer: { groupId: clientId },
      subscribe: { fromBeginning: true },
    },
  };
}

/**
 * moleculer as its documentation shows it: events are at most once, and nobody hears that they arrived. Its transporter for Kafka
 * wants kafka-node, of 2020, which does not speak with a Kafka of today.
 */
export function moleculer(address: string): Carrier {
  return {
    peer: "moleculer",
    over: "rabbitmq",
    receipt: "none: handed to the transporter",
    async open(heard) {
      const namespace = `bench-${randomUUID()}`;
      const made = (nodeID: string): ServiceBroker =>
        new ServiceBroker({ namespace, nodeID, transporter: address, logger: false });
      const [publisher, consumer] = [made("publisher"), made("consumer")];
      consumer.createService({
        name: "counter",
        events: { ordered: (ctx: { params: Order }) => heard(ctx.params) },
      });
      await Promise.all([publisher.start(), consumer.start()]);
      await publisher.waitForServices("counter");
      return {
        send: (order) => Promise.resolve(publisher.emit("ordered", order)),
        close: async () => {
          await Promise.all([publisher.stop(), consumer.stop()]);
        },
      };
    },
  };
}
