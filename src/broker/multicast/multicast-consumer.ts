import { BoundedQueue } from "../../base/bounded-queue.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { attribute } from "../attributes.ts";
import type { Consumer, Delivery, Outgoing } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import { fenced } from "../fenced.ts";

/** Messages that wait because as many are unsettled as may be; those beyond are lost. */
const waitingMax = 1_024;

interface Message {
  readonly envelope: Envelope;
  /** How often it was delivered before. */
  readonly delivered: number;
}

/** Hears one channel. Nobody can be told to send less: what there is no room for is gone. */
export class MulticastConsumer implements Consumer {
  readonly shards: readonly string[] = [];
  readonly #channel: string;
  readonly #prefetch: number;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #onClosed: () => void;
  readonly #env: Env;
  readonly #waiting = new BoundedQueue<Message>(waitingMax);
  readonly #unsettled = new Set<MulticastDelivery>();
  /** Released; they count as unsettled, so there are no more than may be. */
  #again: Message[] = [];
  #turn = false;
  #paused = false;
  #closed = false;

  constructor(
    channel: string,
    prefetch: number,
    deliver: (batch: readonly Delivery[]) => void,
    onClosed: () => void,
    env: Env,
  ) {
    this.#channel = channel;
    this.#prefetch = prefetch;
    this.#deliver = deliver;
    this.#onClosed = onClosed;
    this.#env = env;
  }

  /** False: too many wait already. */
  take(envelope: Envelope): boolean {
    const taken = this.#waiting.push({ envelope, delivered: 0 });
    if (taken) this.#deliverSoon();
    return taken;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliverSoon();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.clear();
    this.#again = [];
    this.#unsettled.clear();
    this.#onClosed();
  }

  settle(delivery: MulticastDelivery, released: boolean): void {
    if (!this.#unsettled.delete(delivery)) throw fenced(this.#channel);
    const { envelope, delivered } = delivery.message;
    if (released) this.#again.push({ envelope, delivered: delivered + 1 });
    this.#deliverSoon();
  }

  /** In this turn, together with what else comes in it. */
  #deliverSoon(): void {
    if (this.#turn) return;
    this.#turn = true;
    this.#env.defer(() => {
      this.#turn = false;
      this.#deliverNow();
    });
  }

  #deliverNow(): void {
    if (this.#paused || this.#closed) return;
    const messages = this.#again;
    this.#again = [];
    const now = this.#env.wall();
    while (this.#unsettled.size + messages.length < this.#prefetch) {
      const message = this.#waiting.shift();
      if (message === undefined) break;
      const expiry = message.envelope.attributes[attribute.expirytime];
      if (expiry === undefined || !(Date.parse(expiry) <= now)) messages.push(message);
    }
    if (messages.length === 0) return;
    const batch = messages.map((each) => new MulticastDelivery(each, this.#channel, this));
    for (const each of batch) this.#unsettled.add(each);
    this.#deliver(batch);
  }
}

class MulticastDelivery implements Delivery {
  readonly message: Message;
  readonly shard: string;
  readonly generation = 1;
  readonly #consumer: MulticastConsumer;

  constructor(message: Message, shard: string, consumer: MulticastConsumer) {
    this.message = message;
    this.shard = shard;
    this.#consumer = consumer;
  }

  get envelope(): Envelope {
    return this.message.envelope;
  }

  get attempt(): number {
    return this.message.delivered + 1;
  }

  get redelivered(): boolean {
    return this.message.delivered > 0;
  }

  async ack(outputs: readonly Outgoing[] = []): Promise<void> {
    if (outputs.length > 0) throw this.#cannot("with what comes of it in one");
    this.#consumer.settle(this, false);
  }

  async release(notBefore?: number): Promise<void> {
    if (notBefore !== undefined) throw this.#cannot("later than at once");
    this.#consumer.settle(this, true);
  }

  #cannot(how: string): Error {
    return systemError(
      "UNIMPLEMENTED",
      `what a multicast group has sent cannot be settled ${how}`,
      {
        executed: "no",
        endpoint: this.shard,
      },
    );
  }
}
