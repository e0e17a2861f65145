import type { Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import { atMost, sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Lag } from "../broker.ts";
import type { Channel } from "../channel.ts";
import type { Envelope } from "../envelope.ts";
import { ignored } from "./declarations.ts";
import { envelopeOf } from "./message.ts";

/** A shard that is consumed by nobody is read for so long, in milliseconds. */
const quietMs = 300;
/** What was given back is waited for that often, for so long each time, in milliseconds; somebody else may have consumed it. */
const givenBackLooks = 20;
const givenBackLookMs = 10;

/** Runs `look` on an AMQP channel of its own. */
export async function withChannel<T>(
  connection: Connection,
  look: (on: AmqpConnectionChannel) => Promise<T>,
): Promise<T> {
  const on = await connection.acquire({ emitErrorsFromChannel: true });
  on.on("error", ignored);
  try {
    return await look(on);
  } finally {
    await on.close();
  }
}

/** How many messages wait in each queue, without those that consumers have unsettled: of them only the server's management knows. */
export function lagOf(connection: Connection, queues: readonly string[]): Promise<Lag> {
  return withChannel(connection, async (on) => {
    const shards = [];
    for (const queue of queues) {
      const { messageCount, consumerCount } = await on.queueDeclare({ queue, passive: true });
      const consumer = consumerCount === 0 ? undefined : `${consumerCount} consumers`;
      shards.push({ shard: queue, waiting: messageCount, consumer });
    }
    return { waiting: shards.reduce((sum, { waiting }) => sum + waiting, 0), shards };
  });
}

/**
 * Takes messages and gives them all back: that counts as a delivery. A shard hands out its messages to its first consumer only, so
 * those of one that is consumed are not seen.
 */
export function browsed(
  connection: Connection,
  channel: Channel,
  queues: readonly string[],
  limit: number,
  env: Env,
): Promise<readonly Envelope[]> {
  const arrival = { wallMs: env.wall(), newId: () => uuidv7(env) };
  return withChannel(connection, async (on) => {
    const found: Envelope[] = [];
    for (const queue of queues) {
      if (found.length >= limit) break;
      const take = channel.ordered ? consumed : got;
      const messages = await take(on, queue, limit - found.length, env);
      for (const message of messages) found.push(envelopeOf(message, arrival).envelope);
      if (messages.length > 0) await givenBack(on, queue, messages.length, env);
    }
    return found;
  });
}

type Message = Parameters<typeof envelopeOf>[0];

/** Gives back what was taken, and waits for a moment until it is counted again: a quorum queue takes its time. */
async function givenBack(
  on: AmqpConnectionChannel,
  queue: string,
  count: number,
  env: Env,
): Promise<void> {
  const { messageCount: rest } = await on.queueDeclare({ queue, passive: true });
  on.basicNack({ deliveryTag: 0, multiple: true, requeue: true });
  for (let looks = 0; looks < givenBackLooks; looks++) {
    const { messageCount } = await on.queueDeclare({ queue, passive: true });
    if (messageCount >= rest + count) return;
    await sleep(env, givenBackLookMs);
  }
}

async function got(on: AmqpConnectionChannel, queue: string, limit: number): Promise<Message[]> {
  const found: Message[] = [];
  while (found.length < limit) {
    const message = await on.basicGet({ queue });
    if (message === undefined) break;
    found.push(message);
  }
  return found;
}

async function consumed(
  on: AmqpConnectionChannel,
  queue: string,
  limit: number,
  env: Env,
): Promise<Message[]> {
  const { messageCount } = await on.queueDeclare({ queue, passive: true });
  const wanted = Math.min(limit, messageCount);
  if (wanted === 0) return [];
  const found: Message[] = [];
  const done = Promise.withResolvers<void>();
  await on.basicQos({ prefetchCount: Math.min(wanted, 65_535) });
  const { consumerTag } = await on.basicConsume({ queue }, (message) => {
    if (found.length < wanted) found.push(message);
    if (found.length === wanted) done.resolve();
  });
  await atMost(env, quietMs, done.promise);
  await on.basicCancel(consumerTag);
  return found;
}
