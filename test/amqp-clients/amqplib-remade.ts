// What amqp-connection-manager, by which many use amqplib, needs of a broker: that all can be made again.
import assert from "node:assert/strict";
import { connect, type AmqpConnectionManager, type ChannelWrapper } from "amqp-connection-manager";
import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { told, type ClientCase, type Stand } from "./stand.ts";

function managed(
  name: string,
  run: (manager: AmqpConnectionManager, stand: Stand) => Promise<void>,
): ClientCase {
  return {
    name,
    async run(stand) {
      const manager = connect([stand.url], { reconnectTimeInSeconds: 0.02 });
      try {
        await run(manager, stand);
      } finally {
        await manager.close();
      }
    },
  };
}

function channelOf(
  manager: AmqpConnectionManager,
  setup: (channel: ConfirmChannel) => Promise<unknown>,
): ChannelWrapper {
  return manager.createChannel({ json: true, setup });
}

export const amqplibRemade: readonly ClientCase[] = [
  managed("what is sent before there is a connection waits for it", async (manager, { unique }) => {
    const queue = unique("queue");
    const channel = channelOf(manager, (raw) => raw.assertQueue(queue, { exclusive: true }));
    assert.equal(await channel.sendToQueue(queue, { hello: "world" }), true);
    const message = await channel.get(queue, { noAck: true });
    assert.ok(message);
    assert.deepEqual(JSON.parse(message.content.toString()), { hello: "world" });
  }),
  managed(
    "a consumer is made again when the connection is lost",
    async (manager, { unique, cut }) => {
      const queue = unique("queue");
      const seen: unknown[] = [];
      let wake = (): void => {};
      const channel = channelOf(manager, (raw) => raw.assertQueue(queue, { durable: true }));
      await channel.consume(queue, (message: ConsumeMessage) => {
        seen.push(JSON.parse(message.content.toString()));
        channel.ack(message);
        wake();
      });
      const some = async (count: number): Promise<void> => {
        while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
      };
      await channel.sendToQueue(queue, 1, { persistent: true });
      await some(1);
      const again = told(manager, "connect");
      cut();
      await again;
      await channel.sendToQueue(queue, 2, { persistent: true });
      await some(2);
      assert.equal(seen.at(-1), 2);
      // Else it would consume again from what is deleted.
      await channel.cancelAll();
      await channel.deleteQueue(queue);
    },
  ),
  managed("what cannot be published is rejected", async (manager, { unique }) => {
    const channel = channelOf(manager, async () => {});
    channel.on("error", () => {});
    await channel.waitForConnect();
    await assert.rejects(channel.publish(unique("nowhere"), "", { hello: "world" }));
  }),
];
