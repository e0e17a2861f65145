import { deepEqual, equal } from "node:assert/strict";
import type { Delivery } from "../broker.ts";
import { refusal, type Case } from "./stage.ts";

/** What becomes of deliveries. */
export const settlingCases: readonly Case[] = [
  {
    name: "what is released at once comes again before what waits behind it",
    when: ({ order, keeps }) => order === "key" && keeps,
    play: async (stage) => {
      const queue = stage.channel({ ordered: true });
      const broker = await stage.open();
      await broker.declare([queue]);
      await stage.publish(
        broker,
        ["a", "b", "c"].map((text) => stage.outgoing(queue, text, { subject: "key" })),
      );
      const hearing = await stage.consume(broker, { channel: queue, prefetch: 1 }, (delivery) => {
        void (delivery.attempt === 1 && hearing.texts.length < 2
          ? delivery.release()
          : delivery.ack());
      });
      await hearing.until(4);
      deepEqual(hearing.texts, ["a", "a", "b", "c"]);
    },
  },
  {
    name: "what is released comes again, its attempt counted",
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      const hearing = await stage.consume(broker, { channel: queue }, (delivery) => {
        void (delivery.attempt === 1 ? delivery.release() : delivery.ack());
      });
      await stage.publish(broker, [stage.outgoing(queue, "once more")]);
      const [first, second] = await hearing.until(2);
      deepEqual(hearing.texts, ["once more", "once more"]);
      deepEqual([first!.redelivered, second!.redelivered], [false, true]);
      equal(second!.attempt, 2);
      equal(first!.envelope.id, second!.envelope.id);
    },
  },
  {
    name: "what a consumer has not settled when it closes comes to another",
    when: ({ keeps }) => keeps,
    play: async (stage) => {
      const queue = stage.channel();
      const [a, b] = [await stage.open(), await stage.open()];
      await a.declare([queue]);
      const first = await stage.consume(a, { channel: queue });
      await stage.publish(a, [stage.outgoing(queue, "left")]);
      const [held] = await first.until(1);
      await first.consumer!.close();
      const second = await stage.consume(b, { channel: queue });
      const [again] = await second.until(1);
      equal(again!.redelivered, true);
      const error = await refusal(held!.ack());
      equal(error.gate, "fenced");
      equal(error.executed, "maybe");
      await again!.ack();
    },
  },
  {
    name: "a part of a channel that goes to another member is waited for, and what is settled after that is fenced",
    when: ({ order, keeps, sharing }) => order === "key" && keeps && sharing !== false,
    play: async (stage) => {
      const queue = stage.channel({ ordered: true, shards: 2 });
      const [a, b] = [await stage.open(), await stage.open()];
      await a.declare([queue]);
      const heard = new Map<string, number>();
      const done = Promise.withResolvers<void>();
      const hear = (delivery: Delivery): void => {
        const text = Buffer.from(delivery.envelope.data).toString();
        heard.set(text, (heard.get(text) ?? 0) + 1);
        void delivery.ack().catch(() => {});
        if (heard.size === 100) done.resolve();
      };
      const moved = Promise.withResolvers<string>();
      await stage.consume(
        a,
        {
          channel: queue,
          revoking: async (shard) => moved.resolve(shard),
        },
        hear,
      );
      const send = (from: number): Promise<unknown> =>
        stage.publish(
          a,
          Array.from({ length: 50 }, (_, i) =>
            stage.outgoing(queue, String(from + i), { subject: `k${i}` }),
          ),
        );
      await send(0);
      const second = await stage.consume(b, { channel: queue }, hear);
      await moved.promise;
      await send(50);
      await done.promise;
      equal(heard.size, 100);
      equal(second.deliveries.length > 0, true, "the second member was given nothing");
    },
  },
  {
    name: "no more are unsettled than were asked for",
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      let unsettled = 0;
      let most = 0;
      const done = Promise.withResolvers<void>();
      let left = 20;
      await stage.consume(broker, { channel: queue, prefetch: 4 }, (delivery) => {
        most = Math.max(most, ++unsettled);
        stage.env.yield(() => {
          unsettled--;
          void delivery.ack();
          if (--left === 0) done.resolve();
        });
      });
      await stage.publish(
        broker,
        Array.from({ length: 20 }, (_, i) => stage.outgoing(queue, String(i))),
      );
      await done.promise;
      equal(most <= 4, true, `${most} at once`);
    },
  },
];
