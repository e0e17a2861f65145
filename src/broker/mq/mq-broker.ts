import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Addon } from "../../os/addon.ts";
import type { Address } from "../../transport/address.ts";
import { madeQueue } from "../../transport/mq/open-queue.ts";
import type { QueueTerms } from "../../transport/mq/queue-terms.ts";
import { senderTo } from "../../transport/mq/sender.ts";
import type { DatagramSender } from "../../transport/transport.ts";
import type {
  BrokerCapabilities,
  Consumer,
  Delivery,
  Drift,
  Outgoing,
  Receipt,
  Subscription,
} from "../broker.ts";
import type { Channel } from "../channel.ts";
import { ModestBroker } from "../modest-broker.ts";
import { MqConsumer } from "./mq-consumer.ts";
import { priorityMax, priorityOf, writeMessage } from "./message.ts";

export interface MqTerms {
  readonly os: Addon;
  readonly address: Address;
  readonly queue: QueueTerms;
  readonly capabilities: BrokerCapabilities;
  readonly mode: number;
  readonly waitMs: number;
  readonly env: Env;
}

/** A user of message queues that have names with one beginning. */
export class MqBroker extends ModestBroker {
  readonly name = "mq";
  readonly #terms: MqTerms;
  readonly #senders = new Map<string, DatagramSender>();
  readonly #consumers = new Set<MqConsumer>();

  constructor(terms: MqTerms) {
    super({
      address: terms.address.text,
      capabilities: terms.capabilities,
      has: "message queues of the system have",
      more: "use file:./data, a broker in a folder, which has",
      priorityMax,
    });
    this.#terms = terms;
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    this.refuseClosed();
    for (const channel of channels) this.refuseMore(channel);
    for (const channel of channels) this.#terms.os.descriptorClose(this.#made(channel.name).fd);
    // What is there with other bounds than the address asks for is refused: it could not take what is asked for.
    return [];
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    this.refuseClosed();
    return Promise.all(messages.map((message) => this.#publish(message)));
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.refuseClosed();
    this.refuseMore(subscription.channel);
    if (subscription.exclusive === true) throw this.cannot("that one of many consumes alone");
    const { name } = subscription.channel;
    const { os, env } = this.#terms;
    const queue = this.#made(name);
    const backMs = Math.min(backMsMax, this.#terms.waitMs);
    const back = (bytes: Buffer): Promise<void> => this.#send(name, bytes, backMs);
    const closed = (): boolean => this.#consumers.delete(consumer);
    const place = { os, queue, shard: this.#queueOf(name).place, back, closed, env };
    const consumer = new MqConsumer(place, subscription.prefetch, deliver);
    this.#consumers.add(consumer);
    return consumer;
  }

  protected async leave(): Promise<void> {
    await Promise.all([...this.#consumers].map((each) => each.close()));
    for (const sender of this.#senders.values()) sender.close();
    this.#senders.clear();
  }

  async #publish(message: Outgoing): Promise<Receipt | TrunklineError> {
    const refused = this.refusal(message);
    if (refused !== undefined) return refused;
    const { channel, envelope, priority = 0 } = message;
    const bytes = writeMessage({ envelope, delivered: 0, priority });
    try {
      await this.#send(channel.name, bytes);
      return { enqueued: "accepted", position: this.#queueOf(channel.name).place };
    } catch (error) {
      if (isTrunklineError(error)) return error;
      throw error;
    }
  }

  /** Those of one queue go in the order of the calls, and wait while it is full. */
  async #send(name: string, bytes: Buffer, waitMs: number = this.#terms.waitMs): Promise<void> {
    const { os, env } = this.#terms;
    let sender = this.#senders.get(name);
    if (sender === undefined) {
      sender = senderTo(os, this.#queueOf(name), { waitingMax }, env, priorityOf);
      this.#senders.set(name, sender);
    }
    const { bytesMax } = sender;
    if (bytes.length > bytesMax) throw this.#tooLarge(bytes.length, bytesMax);
    await sender.send(bytes, env.now() + waitMs);
  }

  #made(name: string): QueueTerms & { readonly fd: number } {
    const { os, mode, queue } = this.#terms;
    return madeQueue(os, this.#queueOf(name), mode, queue);
  }

  /** `/shop.orders.1.pay`, as an address of its own. */
  #queueOf(name: string): Address {
    const { address } = this.#terms;
    return { ...address, place: `${address.place}.${name}` };
  }

  #tooLarge(bytes: number, bytesMax: number): TrunklineError {
    return systemError(
      "INVALID_ARGUMENT",
      `the message takes ${bytes} bytes, and one of the queue has at most ${bytesMax}`,
      {
        executed: "no",
        endpoint: this.address,
        advice: "send less, or where it is, or make the queues for larger ones: ?bytes=…",
      },
    );
  }
}

/** How long a consumer that closes waits for room for what it puts back, in milliseconds: nobody may be there who makes some. */
const backMsMax = 1_000;

/** Messages that wait for room in one queue. */
const waitingMax = 10_000;
