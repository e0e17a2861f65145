import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { bind, chassis, client, contract, event, on, type BrokerChoice } from "trunkline";
import { broker } from "trunkline/broker";
import { memoryBroker } from "trunkline/broker/memory";
import type { Carrier, Order } from "./post.ts";

const data = z.object({ id: z.string(), number: z.number(), item: z.string(), note: z.string() });
const shop = (delivery: "at-least-once" | "at-most-once") =>
  contract("shop", { version: "1.0.0" }, { ordered: event({ data, key: "id", delivery }) });

const Kept = shop("at-least-once");
/** Without a broker nothing is kept. */
const Transient = shop("at-most-once");

/** Ours, over any broker: typed, validated on both sides, in order per key, acked after it was handled. */
function over(
  name: string,
  receipt: string,
  open: () => Promise<{ readonly messages: BrokerChoice; readonly close: () => Promise<void> }>,
): Carrier {
  return {
    peer: "trunkline",
    over: name,
    receipt,
    async open(heard: (order: Order) => void) {
      const { messages, close } = await open();
      const Shop = name === "direct:" ? Transient : Kept;
      const bindings = [
        bind(Shop.ordered, { channel: `bench-${randomUUID()}`, groups: ["counters"] }),
      ];
      const app = await chassis({
        name: "bench-consumer",
        messages,
        bindings,
        checkSent: true,
        serve: [on(Shop.ordered, { group: "counters", concurrency: 64, prefetch: 512 }, heard)],
        signals: false,
      });
      const sender = client(Shop, "memory:unused", {
        messages,
        bindings,
        instance: "bench-publisher",
        deadline: "60s",
        checkSent: true,
      });
      return {
        send: async (order) => void (await sender.ordered(order)),
        close: async () => {
          await sender[Symbol.asyncDispose]();
          await app.stop();
          await close();
        },
      };
    },
  };
}

const nothing = (): Promise<void> => Promise.resolve();

export function ownCarriers(servers: {
  readonly rabbitmq: string | undefined;
  readonly kafka: string | undefined;
}): Carrier[] {
  const { rabbitmq, kafka } = servers;
  return [
    over("memory", "in memory", async () => ({ messages: memoryBroker(), close: nothing })),
    over("broker+unix:", "in memory of another process", async () => {
      const running = broker();
      const app = await chassis({
        name: "bench-broker",
        listen: `unix:${join(tmpdir(), `bench-${randomUUID().slice(0, 8)}.sock`)}`,
        serve: running.services,
        signals: false,
        stop: { drain: 0 },
      });
      const close = async (): Promise<void> => {
        await app.stop();
        await running[Symbol.asyncDispose]();
      };
      return { messages: `broker+${app.addresses[0]!}`, close };
    }),
    over("direct:", "taken by the consumer", async () => ({
      messages: `direct:bench-${randomUUID().slice(0, 8)}`,
      close: nothing,
    })),
    ...(rabbitmq === undefined
      ? []
      : [
          over("rabbitmq", "on the disk of a quorum queue", async () => ({
            messages: rabbitmq,
            close: nothing,
          })),
        ]),
    ...(kafka === undefined
      ? []
      : [
          over("kafka", "by all in-sync replicas", async () => ({
            messages: kafka,
            close: nothing,
          })),
        ]),
  ];
}
