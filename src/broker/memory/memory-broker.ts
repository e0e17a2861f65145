import { systemError, type TrunklineError } from "../../base/error.ts";
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
import type { Envelope } from "../envelope.ts";
import type { Member } from "./member.ts";
import { bytesMaxDefault, type MemoryStore } from "./store.ts";

/** What it promises for as long as the process lives that holds it; nothing outlives that. */
export const memoryCapabilities: BrokerCapabilities = {
  order: "key",
  guarantees: ["at-most-once", "at-least-once", "exactly-once"],
  receipts: ["accepted"],
  persistent: false,
  attempts: "durable",
  delay: true,
  priority: true,
  ttl: true,
  keeps: true,
  groups: true,
  replay: true,
  filters: ["type", "subject", "attributes"],
  transactions: true,
  mandatory: true,
  replies: "durable",
  browse: true,
  lag: true,
  compaction: true,
  bytesMax: bytesMaxDefault,
};

/** One user of a store. */
export class MemoryBroker implements Broker {
  readonly name = "memory";
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  readonly #store: MemoryStore;
  readonly #user: string;
  readonly #consumers = new Set<Member>();
  readonly #boxes = new Set<ReplyBox>();
  #closed = false;

  /** `user`: what the process calls itself that uses it. */
  constructor(address: string, store: MemoryStore, user: string = "") {
    this.address = address;
    this.#user = user;
    this.#store = store;
    this.capabilities = { ...memoryCapabilities, bytesMax: store.bytesMax };
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    this.#refuseClosed();
    for (const { name, enqueued } of channels) {
      if (enqueued === undefined || enqueued === "accepted") continue;
      throw systemError(
        "UNIMPLEMENTED",
        `${name}: memory has no receipts that mean "${enqueued}"`,
        {
          executed: "no",
          endpoint: this.address,
          advice: 'ask for "accepted", or use a broker that stores',
        },
      );
    }
    return channels.flatMap((channel) => this.#store.declare(channel));
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    this.#refuseClosed();
    return messages.map((message) => this.#store.publish(message));
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.#refuseClosed();
    for (const each of this.#consumers) if (each.closed) this.#consumers.delete(each); // they do not tell
    const consumer = this.#store.consume(subscription, deliver, this.#user);
    this.#consumers.add(consumer);
    return consumer;
  }

  async replies(terms: ReplyTerms, heard: (envelope: Envelope) => void): Promise<ReplyBox> {
    this.#refuseClosed();
    const box = this.#store.openReplies(terms, heard);
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
    this.#store.reply(to, envelope);
  }

  async browse(
    channel: Channel,
    group: string | undefined,
    limit: number,
  ): Promise<readonly Envelope[]> {
    return this.#store.queueOf(channel, group)?.browse(limit) ?? [];
  }

  async lag(channel: Channel, group: string | undefined): Promise<Lag> {
    return this.#store.queueOf(channel, group)?.lag() ?? { waiting: 0, shards: [] };
  }

  async reset(channel: Channel, group: string, to: StartAt): Promise<void> {
    this.#refuseClosed();
    this.#store.reset(channel, group, to);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#consumers, ...this.#boxes].map((each) => each.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuseClosed(): void {
    if (this.#closed)
      throw systemError("UNAVAILABLE", "the broker was closed", {
        executed: "no",
        endpoint: this.address,
      });
  }
}
