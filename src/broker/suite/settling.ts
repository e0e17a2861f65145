import { deepEqual, equal } from "node:assert/strict";
import { refusal, type Case } from "./stage.ts";

/** What becomes of deliveries. */
export const settlingCases: readonly Case[] = [
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
