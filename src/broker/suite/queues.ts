import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "./stage.ts";

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

/** Queues and topics: who gets what. */
export const queueCases: readonly Case[] = [
  {
    name: "each message of a queue goes to one of those who consume it",
    when: ({ queues }) => queues !== false,
    play: async (stage) => {
      const queue = stage.channel();
      const [a, b] = [await stage.open(), await stage.open()];
      await a.declare([queue]);
      const done = Promise.withResolvers<void>();
      const heard: string[] = [];
      const hear = (text: string): void => {
        heard.push(text);
        if (heard.length === 40) done.resolve();
      };
      for (const broker of [a, b])
        await stage.consume(broker, { channel: queue, prefetch: 3 }, (delivery) => {
          hear(Buffer.from(delivery.envelope.data).toString());
          void delivery.ack();
        });
      await stage.publish(
        a,
        numbers(40).map((text) => stage.outgoing(queue, text)),
      );
      await done.promise;
      deepEqual(
        heard.toSorted((x, y) => Number(x) - Number(y)),
        numbers(40),
      );
    },
  },
  {
    name: "each group of a topic gets each message, and its members share them",
    when: ({ groups }) => groups,
    play: async (stage) => {
      const topic = stage.channel({ shape: "topic", groups: ["red", "blue"] });
      const broker = await stage.open();
      await broker.declare([topic]);
      const heard = { red: [] as string[], blue: [] as string[] };
      const done = Promise.withResolvers<void>();
      for (const group of ["red", "red", "blue"] as const)
        await stage.consume(await stage.open(), { channel: topic, group }, (delivery) => {
          heard[group].push(Buffer.from(delivery.envelope.data).toString());
          void delivery.ack();
          if (heard.red.length + heard.blue.length === 40) done.resolve();
        });
      await stage.publish(
        broker,
        numbers(20).map((text) => stage.outgoing(topic, text)),
      );
      await done.promise;
      for (const texts of Object.values(heard))
        deepEqual(
          texts.toSorted((x, y) => Number(x) - Number(y)),
          numbers(20),
        );
    },
  },
  {
    name: "messages wait for a group that was declared before anybody of it consumes",
    when: ({ groups, keeps }) => groups && keeps,
    play: async (stage) => {
      const topic = stage.channel({ shape: "topic", groups: ["late"] });
      const broker = await stage.open();
      await broker.declare([topic]);
      await stage.publish(broker, [stage.outgoing(topic, "early")]);
      const late = await stage.consume(broker, { channel: topic, group: "late" });
      const [delivery] = await late.until(1);
      deepEqual(late.texts, ["early"]);
      await delivery!.ack();
    },
  },
  {
    name: "messages of one key come in their order, whoever consumes",
    when: ({ order }) => order === "key",
    play: async (stage) => {
      const queue = stage.channel({ ordered: true });
      const broker = await stage.open();
      await broker.declare([queue]);
      const seen = new Map<string, number[]>();
      const done = Promise.withResolvers<void>();
      let left = 200;
      for (let consumers = 0; consumers < 2; consumers++)
        await stage.consume(await stage.open(), { channel: queue }, (delivery) => {
          const { envelope } = delivery;
          void delivery.ack();
          const of = seen.get(envelope.subject!) ?? [];
          seen.set(envelope.subject!, [...of, Number(Buffer.from(envelope.data).toString())]);
          if (--left === 0) done.resolve();
        });
      for (let from = 0; from < 200; from += 50)
        await stage.publish(
          broker,
          numbers(50).map((_, i) =>
            stage.outgoing(queue, String(from + i), { subject: `k${(from + i) % 10}` }),
          ),
        );
      await done.promise;
      equal(seen.size, 10);
      for (const of of seen.values())
        deepEqual(
          of,
          of.toSorted((x, y) => x - y),
        );
    },
  },
];
