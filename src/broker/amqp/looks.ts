import type { Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import { atMost, sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Lag } from "../broker.ts";
import { shardsMax } from "../channel.ts";
import type { Envelope } from "../envelope.ts";
import { ignored } from "./declarations.ts";
import { codeOf } from "./foreign-error.ts";
import { envelopeOf } from "./message.ts";
import { shardOf } from "./topology.ts";

/** A shard that is consumed by nobody is read for so long, in milliseconds. */
const quietMs = 300;
/** What was given back is waited for that often, for so long each time, in milliseconds; somebody else may have consumed it. */
const givenBackLooks = 100;
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

/** A queue as it was found. */
interface Found {
  readonly queue: string;
  readonly messageCount: number;
  readonly consumerCount: number;
}

/** How many messages wait in each queue, without those that consumers have unsettled: of them only the server's management knows. */
export async function lagOf(connection: Connection, target: string): Promise<Lag> {
  const queues = await queuesThere(connection, target);
  const shards = queues.map(({ queue, messageCount: waiting, consumerCount }) => {
    const consumer = consumerCount === 0 ? undefined : several(consumerCount);
    return { shard: queue, waiting, consumer };
  });
  return { waiting: shards.reduce((sum, { waiting }) => sum + waiting, 0), shards };
}

function several(consumers: number): string {
  return consumers === 1 ? "1 consumer" : `${consumers} consumers`;
}

/**
 * The queues of a target, divided or not, that are there. Looking makes none: one that is bound to a topic and consumed by nobody
 * would fill with all that comes.
 */
async function queuesThere(connection: Connection, target: string): Promise<readonly Found[]> {
  const whole = await existing(connection, [target]);
  return whole.length > 0 ? whole : existing(connection, shardsOf(target));
}

function* shardsOf(target: string): Generator<string> {
  for (let index = 0; index < shardsMax; index++) yield shardOf(target, index);
}

/** As far as they are there: a question for one that is not ends the AMQP channel. */
async function existing(
  connection: Connection,
  names: Iterable<string>,
): Promise<readonly Found[]> {
  const queues: Found[] = [];
  try {
    await withChannel(connection, async (on) => {
      for (const queue of names) {
        const { messageCount, consumerCount } = await on.queueDeclare({ queue, passive: true });
        queues.push({ queue, messageCount, consumerCount });
      }
    });
  } catch (error) {
    if (codeOf(error) !== "NOT_FOUND") throw error;
  }
  return queues;
}

/**
 * Takes messages and gives them all back: that counts as a delivery. A shard hands out its messages to its first consumer only, so
 * those of one that is consumed are not seen.
 */
export async function browsed(
  connection: Connection,
  target: string,
  limit: number,
  env: Env,
): Promise<readonly Envelope[]> {
  const arrival = { wallMs: env.wall(), newId: () => uuidv7(env) };
  const queues = await queuesThere(connection, target);
  return withChannel(connection, async (on) => {
    const envelopes: Envelope[] = [];
    for (const { queue } of queues) {
      if (envelopes.length >= limit) break;
      const take = queue === target ? got : consumed;
      const messages = await take(on, queue, limit - envelopes.length, env);
      for (const message of messages) envelopes.push(envelopeOf(message, arrival).envelope);
      if (messages.length > 0) await givenBack(on, queue, messages.length, env);
    }
    return envelopes;
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
