// What users of streams, dead letters and copies ask of a broker, by amqplib.
import assert from "node:assert/strict";
import { connect, type ConfirmChannel, type ConsumeMessage } from "amqplib";
import type { ClientCase, Stand } from "./stand.ts";

function streamCase(
  name: string,
  run: (channel: ConfirmChannel, stream: string, url: string) => Promise<void>,
): ClientCase {
  return {
    name,
    async run({ url, unique }: Stand) {
      const connection = await connect(url);
      const channel = await connection.createConfirmChannel();
      const stream = unique("stream");
      await channel.assertQueue(stream, { durable: true, arguments: { "x-queue-type": "stream" } });
      try {
        await run(channel, stream, url);
        await channel.deleteQueue(stream);
      } finally {
        await connection.close();
      }
    },
  };
}

async function published(
  channel: ConfirmChannel,
  stream: string,
  texts: readonly string[],
): Promise<void> {
  for (const text of texts) channel.sendToQueue(stream, Buffer.from(text));
  await channel.waitForConfirms();
}

/** The next so many messages from there on, each acknowledged: offset and text. */
async function read(
  url: string,
  stream: string,
  count: number,
  offset?: unknown,
): Promise<(readonly [offset: number, text: string])[]> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  await channel.prefetch(10);
  const found: (readonly [number, string])[] = [];
  await new Promise<void>((resolve, reject) => {
    const take = (message: ConsumeMessage | null): void => {
      if (message === null || found.length === count) return;
      found.push([
        Number(message.properties.headers?.["x-stream-offset"]),
        message.content.toString(),
      ]);
      channel.ack(message);
      if (found.length === count) resolve();
    };
    const given = offset === undefined ? {} : { arguments: { "x-stream-offset": offset } };
    channel.consume(stream, take, given).catch(reject);
  });
  await connection.close();
  return found;
}

const fifty: readonly string[] = Array.from({ length: 50 }, (_, index) => `${index}`);

function from(first: number, texts: readonly string[] = fifty): (readonly [number, string])[] {
  return texts.slice(first).map((text, index) => [first + index, text]);
}

export const amqplibStreams: readonly ClientCase[] = [
  streamCase(
    "a stream gives each reader all of it, from the first message on",
    async (channel, stream, url) => {
      await published(channel, stream, fifty);
      for (let reader = 0; reader < 3; reader++)
        assert.deepEqual(await read(url, stream, 50, "first"), from(0));
    },
  ),

  streamCase("a stream is read from an offset on", async (channel, stream, url) => {
    await published(channel, stream, fifty);
    assert.deepEqual(await read(url, stream, 13, 37), from(37));
  }),

  streamCase("a stream is read from an instant on", async (channel, stream, url) => {
    await published(channel, stream, fifty);
    const ages = [new Date(0), "1h"];
    for (const age of ages) {
      const offset = age instanceof Date ? { "!": "timestamp", value: 0 } : age;
      assert.deepEqual(await read(url, stream, 50, offset), from(0));
    }
  }),

  streamCase(
    "a reader that says nothing gets what comes from then on",
    async (channel, stream, url) => {
      await published(channel, stream, ["before"]);
      const reader = await connect(url);
      const consuming = await reader.createChannel();
      await consuming.prefetch(1);
      const next = Promise.withResolvers<ConsumeMessage | null>();
      await consuming.consume(stream, next.resolve);
      await published(channel, stream, ["after"]);
      const message = await next.promise;
      assert.equal(message?.content.toString(), "after");
      assert.equal(Number(message?.properties.headers?.["x-stream-offset"]), 1);
      await reader.close();
    },
  ),

  streamCase("a reader gets more when it acknowledges", async (channel, stream, url) => {
    await published(channel, stream, fifty);
    const reader = await connect(url);
    const consuming = await reader.createChannel();
    await consuming.prefetch(2);
    const held: ConsumeMessage[] = [];
    let look: () => void = () => undefined;
    const several = async (count: number): Promise<void> => {
      while (held.length < count) await new Promise<void>((resolve) => (look = resolve));
    };
    await consuming.consume(
      stream,
      (message) => {
        held.push(message!);
        look();
      },
      { arguments: { "x-stream-offset": "first" } },
    );
    await several(2);
    consuming.ack(held[0]!);
    await several(3);
    consuming.ack(held[2]!, true);
    await several(5);
    // RabbitMQ hands out what came together as one, so there may be more.
    const first = held.slice(0, 5).map(({ content }) => content.toString());
    assert.deepEqual(first, fifty.slice(0, 5));
    await reader.close();
  }),

  streamCase("a stream lasts, and is nobody's alone", async (channel, stream, url) => {
    await published(channel, stream, fifty);
    const declared = { arguments: { "x-queue-type": "stream" } };
    for (const more of [{ durable: false }, { exclusive: true }, { autoDelete: true }])
      await refused(url, (each) => each.assertQueue(`${stream}-other`, { ...declared, ...more }));
    await refused(url, (each) => each.consume(stream, () => undefined));
  }),
];

/** Closes its channel with PRECONDITION_FAILED. */
async function refused(
  url: string,
  act: (channel: ConfirmChannel) => Promise<unknown>,
): Promise<void> {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  channel.on("error", () => undefined);
  await assert.rejects(act(channel), { code: 406 });
  await connection.close();
}
