import type { Connection } from "rabbitmq-client";
import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { patiently } from "../../base/patiently.ts";
import { attribute } from "../attributes.ts";
import type {
  Broker,
  BrokerCapabilities,
  Consumer,
  Delivery,
  Drift,
  Lag,
  Outgoing,
  Receipt,
  ReplyBox,
  ReplyTerms,
  StartAt,
  Subscription,
} from "../broker.ts";
import type { Channel } from "../channel.ts";
import { attributeBytesMax, type Envelope } from "../envelope.ts";
import { AmqpConsumer } from "./consumer.ts";
import { delayExchange, delayHeaders, delayMsMax, delayPlan, duePlan } from "./delay.ts";
import { translated } from "./foreign-error.ts";
import { Known } from "./known.ts";
import type { Link } from "./link.ts";
import { browsed, lagOf, withChannel } from "./looks.ts";
import { header, propertiesOf } from "./message.ts";
import { Publisher, type Written } from "./publisher.ts";
import { AmqpReplyBox, isReplyAddress } from "./replies.ts";
import { consumerTermsOf } from "./subscribed.ts";
import {
  check,
  placeOf,
  queuesOf,
  receiptOf,
  targetOf,
  type Cluster,
  type Place,
} from "./topology.ts";

export interface AmqpBrokerTerms {
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  /** Publishes and declares. The server may stop reading from it. */
  readonly out: Link;
  /** Consumes and acknowledges: never blocked, as it never publishes. */
  readonly in: Link;
  readonly cluster: Cluster;
  readonly waitMs: number;
  readonly blockedMs: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly holdMs: number;
  readonly env: Env;
}

/** A RabbitMQ, by two connections: one publishes, one consumes. */
export class AmqpBroker implements Broker {
  readonly name: string = "rabbitmq";
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  readonly #terms: AmqpBrokerTerms;
  readonly #known: Known;
  readonly #publisher: Publisher;
  readonly #consumers = new Set<AmqpConsumer>();
  readonly #boxes = new Set<AmqpReplyBox>();
  /** Those that wait for a declaration publish in the order in which they came. */
  #turn: Promise<void> | undefined;
  #closed = false;

  constructor(terms: AmqpBrokerTerms) {
    this.#terms = terms;
    this.address = terms.address;
    this.capabilities = terms.capabilities;
    this.#known = new Known(terms.out, terms.cluster, terms.address);
    this.#publisher = new Publisher({ ...terms, link: terms.out, endpoint: terms.address });
    terms.out.onLost = () => {
      this.#known.forget();
      this.#publisher.lost();
    };
    terms.out.onAgain = terms.out.onUnblocked = () => this.#publisher.pump();
    terms.in.onLost = () => {
      for (const consumer of this.#consumers) consumer.lost();
    };
    terms.in.onAgain = () => void this.#resubscribe();
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    for (const each of channels) check(each, this.#terms.cluster);
    const drifts: Drift[] = [];
    const { env, waitMs } = this.#terms;
    // A server that comes up lets clients in before its durable queues are there.
    for (const each of channels)
      drifts.push(...(await patiently(env, waitMs, () => this.#known.channel(each, undefined))));
    return drifts;
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    if (this.#closed)
      throw systemError("UNAVAILABLE", "the broker is closed", {
        executed: "no",
        endpoint: this.address,
      });
    const waits = messages.flatMap((each) => this.#needs(each) ?? []);
    if (waits.length > 0 || this.#turn !== undefined) {
      const before = this.#turn;
      const turn: Promise<void> = Promise.allSettled([before, ...waits]).then(() => {
        if (this.#turn === turn) this.#turn = undefined;
      });
      this.#turn = turn;
      await turn;
    }
    return Promise.all(messages.map((each) => this.#publishOne(each)));
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    const { env, address, holdMs, cluster, in: link } = this.#terms;
    const { channel, group } = subscription;
    check(channel, cluster);
    const connection = await link.ready();
    await this.#known.channel(channel, group);
    const shards = this.#known.shardsOf(channel, group);
    const plans = consumerTermsOf(subscription, shards, cluster, env, address);
    const consumer: AmqpConsumer = new AmqpConsumer(
      {
        ...plans,
        subscription,
        prepare: async (on) => {
          await this.#known.channel(channel, group);
          await plans.own?.(on);
        },
        later: (delivery, notBefore) => this.#later(subscription, delivery, notBefore),
        holdMs,
        endpoint: address,
        env,
      },
      deliver,
    );
    const close = consumer.close.bind(consumer);
    consumer.close = (): Promise<void> => {
      this.#consumers.delete(consumer);
      return close();
    };
    this.#consumers.add(consumer);
    try {
      await consumer.start(connection);
      return consumer;
    } catch (error) {
      await consumer.close();
      throw translated(error, address);
    }
  }

  async replies(terms: ReplyTerms, heard: (envelope: Envelope) => void): Promise<ReplyBox> {
    const { cluster, address: endpoint, env, in: link, waitMs } = this.#terms;
    const box = new AmqpReplyBox({ terms, heard, cluster, endpoint, env }, (closed) => {
      this.#boxes.delete(closed);
    });
    this.#boxes.add(box);
    try {
      await patiently(env, waitMs, async () => {
        const connection = await link.ready();
        await box.start(connection).catch((error: unknown) => {
          throw translated(error, endpoint);
        });
      });
      return box;
    } catch (error) {
      await box.close();
      throw translated(error, endpoint);
    }
  }

  async reply(to: string, envelope: Envelope): Promise<void> {
    // Somebody else's request may name a queue of his own, or his direct reply-to.
    const ours = isReplyAddress(to);
    const outcome = await this.#publisher.publish({
      exchange: "",
      routingKey: to,
      properties: { ...propertiesOf(envelope), durable: ours },
      body: bufferOf(envelope.data),
      mandatory: false,
      enqueued: "accepted",
      channel: to,
    });
    if (!("enqueued" in outcome)) throw outcome;
  }

  async browse(
    channel: Channel,
    group: string | undefined,
    limit: number,
  ): Promise<readonly Envelope[]> {
    const target = targetOf(channel, group);
    return this.#asked((on) => browsed(on, target, limit, this.#terms.env));
  }

  async lag(channel: Channel, group: string | undefined): Promise<Lag> {
    return this.#asked((on) => lagOf(on, targetOf(channel, group)));
  }

  async reset(channel: Channel, group: string, to: StartAt): Promise<void> {
    if (to !== "new")
      throw systemError("UNIMPLEMENTED", "a queue has only what was not consumed yet", {
        executed: "no",
        endpoint: this.address,
        advice: 'reset to "new" drops what waits; what must be read again belongs to a stream',
      });
    const queues = await this.#queues(channel, group);
    await this.#asked((connection) =>
      withChannel(connection, async (on) => {
        for (const queue of queues) await on.queuePurge({ queue });
      }),
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    await Promise.all([...this.#boxes].map((box) => box.close()));
    await this.#turn;
    await this.#publisher.idle();
    await this.#publisher.close();
    await Promise.all([this.#terms.out.close(), this.#terms.in.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #queues(channel: Channel, group: string | undefined): Promise<readonly string[]> {
    await this.#known.channel(channel, group);
    return queuesOf(channel, group, this.#known.shardsOf(channel, group));
  }

  async #asked<T>(ask: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#terms.in.ready();
    return ask(connection).catch((error: unknown) => {
      throw translated(error, this.address);
    });
  }

  async #resubscribe(): Promise<void> {
    const connection = this.#terms.in.connection;
    if (connection === undefined) return;
    const boxes = [...this.#boxes].map((box) => box.restart(connection));
    await Promise.all([
      ...boxes,
      ...[...this.#consumers].map((consumer) => consumer.restart(connection)),
    ]);
  }

  /** What must be declared before a message is published; undefined: nothing. */
  #needs({ channel, to, notBefore }: Outgoing): Promise<unknown> | undefined {
    const waits: (Promise<unknown> | undefined)[] = [this.#known.entry(channel, to)];
    if (notBefore !== undefined) waits.push(this.#delays(placeOf(channel, to)));
    const real = waits.filter((each) => each !== undefined);
    return real.length === 0 ? undefined : Promise.all(real);
  }

  /** The queues of delays, and the way from them to a place. */
  #delays(place: Place): Promise<unknown> {
    const { replicas } = this.#terms.cluster;
    const to = destinationOf(place);
    return this.#known
      .plan("delays", delayPlan(replicas), "trunkline.delay")
      .then(() => this.#known.plan(`due ${JSON.stringify(to)}`, duePlan(to), "trunkline.delay"));
  }

  async #publishOne(outgoing: Outgoing): Promise<Receipt | TrunklineError> {
    try {
      await this.#needs(outgoing); // what could not be declared is an error of this message
      return await this.#publisher.publish(this.#written(outgoing));
    } catch (error) {
      return translated(error, this.address);
    }
  }

  #written({ channel, envelope, to, notBefore, priority }: Outgoing, attempts = 0): Written {
    const { env, cluster, capabilities } = this.#terms;
    check(channel, cluster);
    this.#refuseTooLarge(envelope, capabilities.bytesMax);
    const place = placeOf(channel, to);
    const properties = { ...propertiesOf(envelope) };
    const headers = { ...properties.headers };
    const wall = env.wall();
    const delayMs = notBefore === undefined ? 0 : notBefore - wall;
    if (delayMs > delayMsMax)
      throw systemError("INVALID_ARGUMENT", `a message is held for at most ${delayMsMax} ms`, {
        executed: "no",
        endpoint: this.address,
      });
    const expiry = envelope.attributes[attribute.expirytime];
    if (delayMs > 0) Object.assign(headers, delayHeaders(delayMs, destinationOf(place)));
    else if (expiry !== undefined)
      properties.expiration = String(Math.max(0, Math.floor(Date.parse(expiry) - wall)));
    if (attempts > 0) headers[header.attempts] = attempts;
    return {
      exchange: delayMs > 0 ? delayExchange : place.exchange,
      routingKey: place.routingKey(envelope),
      properties: {
        ...properties,
        headers,
        durable: channel.guarantee !== "at-most-once",
        ...(priority === undefined ? {} : { priority: Math.min(priority, channel.priorityMax) }),
      },
      body: bufferOf(envelope.data),
      // A delayed one always finds its delay.
      mandatory: (channel.mandatory || to !== undefined) && delayMs <= 0,
      enqueued: receiptOf(channel, cluster),
      channel: channel.name,
    };
  }

  #refuseTooLarge(envelope: Envelope, bytesMax: number): void {
    const { attributes, data } = envelope;
    let bytes = 0;
    for (const [name, value] of Object.entries(attributes))
      bytes += name.length + Buffer.byteLength(value);
    if (bytes <= attributeBytesMax && bytes + data.length <= bytesMax) return;
    throw systemError(
      "INVALID_ARGUMENT",
      `a message of ${data.length} bytes with ${bytes} bytes of attributes is too large`,
      {
        executed: "no",
        endpoint: this.address,
        advice: `RabbitMQ takes ${bytesMax} bytes, of them ${attributeBytesMax} of attributes`,
      },
    );
  }

  async #later(
    { channel, group }: Subscription,
    delivery: Delivery,
    notBefore: number,
  ): Promise<void> {
    const outgoing = { channel, envelope: delivery.envelope, to: group, notBefore };
    await this.#delays(placeOf(channel, group));
    const outcome = await this.#publisher.publish(this.#written(outgoing, delivery.attempt));
    if (!("enqueued" in outcome)) throw outcome;
  }
}

function destinationOf({ exchange, routingKey }: Place): { queue: string } | { exchange: string } {
  // The default exchange has no bindings: its places know their queue without an envelope.
  return exchange === "" ? { queue: routingKey(nobody) } : { exchange };
}

const nobody: Envelope = {
  id: "",
  type: "",
  source: "",
  subject: undefined,
  time: 0,
  contentType: "",
  attributes: {},
  data: new Uint8Array(),
};

function bufferOf(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
