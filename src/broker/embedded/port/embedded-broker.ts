import { alarmAt } from "../../../base/alarm.ts";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import { uuidv7 } from "../../../base/id.ts";
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
} from "../../broker.ts";
import type { Channel } from "../../channel.ts";
import type { Envelope } from "../../envelope.ts";
import { EmbeddedConsumer, type ConsumerParts } from "./consumer.ts";
import { receivedOf } from "./event-message.ts";
import { lagOf } from "./lag.ts";
import { isKept, targetOf } from "./layout.ts";
import type { Feeds } from "./feeds.ts";
import { Publishing, type PublishingTerms } from "./publishing.ts";
import type { ReplyBoxes } from "./reply-boxes.ts";
import { translated } from "./refused.ts";
import type { Turns } from "./turns.ts";

/** A consumer whose queue could not be made begins again after so long, in milliseconds. */
const againMs = 1_000;

/** What all users of a virtual host share. */
export interface BrokerParts extends PublishingTerms {
  readonly capabilities: BrokerCapabilities;
  readonly feeds: Feeds;
  readonly boxes: ReplyBoxes;
  /** Of those who consume exclusively. */
  readonly turns: Turns<EmbeddedConsumer>;
}

/** One user of an embedded broker, in the process that has it. */
export class EmbeddedBroker implements Broker {
  readonly name = "embedded";
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  readonly #shared: BrokerParts;
  readonly #user: string;
  readonly #publishing: Publishing;
  readonly #consumers = new Set<EmbeddedConsumer>();
  readonly #boxes = new Set<ReplyBox>();
  #closed: Promise<void> | undefined;

  constructor(shared: BrokerParts, user: string) {
    this.address = shared.address;
    this.capabilities = shared.capabilities;
    this.#shared = shared;
    this.#user = user;
    this.#publishing = new Publishing(shared);
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    this.#refuseClosed();
    const drifts = this.#translating(() =>
      channels.flatMap((channel) => this.#shared.places.declare(channel)),
    );
    await this.#shared.safety.noted();
    return drifts;
  }

  publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    return this.#closed === undefined
      ? this.#publishing.publish(messages)
      : Promise.reject(this.#wasClosed());
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.#refuseClosed();
    const { channel, group, exclusive = false } = subscription;
    const { env, safety, turns, feeds } = this.#shared;
    const alone = channel.shape === "topic" && group === undefined;
    const tag = uuidv7(env);
    const queue = alone ? `${channel.name}@${tag}` : targetOf(channel, group);
    const parts: ConsumerParts = {
      tag,
      user: this.#user,
      endpoint: this.address,
      env,
      safety,
      stored: !alone,
      ready: () => this.#publishing.ready(),
      prepare: (outputs) => this.#translating(() => this.#publishing.prepare(outputs)),
      gone: () => this.#again(consumer, subscription, queue),
      closed: () => {
        this.#consumers.delete(consumer);
        turns.leave(queue, consumer);
        if (alone) feeds.end(queue);
      },
    };
    const consumer = new EmbeddedConsumer(subscription, deliver, parts);
    this.#consumers.add(consumer);
    try {
      if (exclusive || turns.has(queue)) {
        const begin = (): void => this.#again(consumer, subscription, queue);
        turns.enter(queue, consumer, begin);
      } else this.#translating(() => this.#begin(consumer, subscription, queue));
    } catch (error) {
      await consumer.close();
      throw error;
    }
    return consumer;
  }

  /** Makes what is missing, and consumes. */
  #begin(consumer: EmbeddedConsumer, subscription: Subscription, queue: string): void {
    const { host, places } = this.#shared;
    const { channel, group, from = "new" } = subscription;
    if (channel.shape === "queue" || group !== undefined) places.queue(channel, group, from);
    else places.alone(channel, queue, from);
    consumer.began(host.consume(queue, consumer));
  }

  /** Its queue was taken away, or it is its turn: until it consumes, or is closed. */
  #again(consumer: EmbeddedConsumer, subscription: Subscription, queue: string): void {
    if (consumer.isClosed) return;
    try {
      this.#begin(consumer, subscription, queue);
    } catch {
      const { env } = this.#shared;
      alarmAt(env, env.now() + againMs, () => this.#again(consumer, subscription, queue));
    }
  }

  async replies(terms: ReplyTerms, heard: (envelope: Envelope) => void): Promise<ReplyBox> {
    this.#refuseClosed();
    const box = this.#translating(() => this.#shared.boxes.open(terms, heard, this.#user));
    const close = (): Promise<void> => {
      this.#boxes.delete(kept);
      return box.close();
    };
    const kept: ReplyBox = { address: box.address, close, [Symbol.asyncDispose]: close };
    this.#boxes.add(kept);
    return kept;
  }

  async reply(to: string, envelope: Envelope): Promise<void> {
    this.#refuseClosed();
    await this.#publishing.ready();
    try {
      await this.#shared.boxes.reply(to, envelope);
    } catch (error) {
      throw translated(error, this.address);
    }
  }

  async browse(
    channel: Channel,
    group: string | undefined,
    limit: number,
  ): Promise<readonly Envelope[]> {
    const queue = this.#shared.places.find(channel, group);
    const rows = (await queue?.browse(limit)) ?? [];
    return rows.map(({ message, lane, seq, enqueuedAt }) => {
      const place = `${queue!.name}[${queue!.lanes.findIndex(({ number }) => number === lane)}]@${seq}`;
      return receivedOf(message, place, enqueuedAt).envelope;
    });
  }

  async lag(channel: Channel, group: string | undefined): Promise<Lag> {
    const queue = this.#shared.places.find(channel, group);
    return queue === undefined
      ? { waiting: 0, shards: [] }
      : lagOf(queue, this.#shared.feeds.behind(queue.name));
  }

  async reset(channel: Channel, group: string, to: StartAt): Promise<void> {
    this.#refuseClosed();
    if (channel.shape === "queue" || (to !== "new" && !isKept(channel)))
      throw systemError("UNIMPLEMENTED", `nothing of ${channel.name} is kept once it is consumed`, {
        executed: "no",
        endpoint: this.address,
        advice: "bind a topic with a retention, or as compacted",
      });
    this.#translating(() => this.#reset(channel, group, to));
    await this.#shared.safety.noted();
  }

  /** In one turn, so that it is done as a whole or not at all. */
  #reset(channel: Channel, group: string, to: StartAt): void {
    const { places } = this.#shared;
    const queue = places.queue(channel, group, "new");
    const members = queue.consumers.length;
    if (members > 0)
      throw systemError("INVALID_ARGUMENT", `${members} members of ${group} are running`, {
        executed: "no",
        endpoint: this.address,
        advice: "stop them first",
      });
    queue.purge(true);
    places.unbind(channel, queue.name);
    places.bind(channel, queue.name, to);
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumers, ...this.#boxes].map((each) => each.close()));
    await this.#publishing.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #translating<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw translated(error, this.address);
    }
  }

  #refuseClosed(): void {
    if (this.#closed !== undefined) throw this.#wasClosed();
  }

  #wasClosed(): TrunklineError {
    return systemError("UNAVAILABLE", "the broker was closed", {
      executed: "no",
      endpoint: this.address,
    });
  }
}
