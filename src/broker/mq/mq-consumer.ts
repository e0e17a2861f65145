import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import type { OpenQueue } from "../../transport/mq/open-queue.ts";
import { attribute } from "../attributes.ts";
import type { Consumer, Delivery, Outgoing } from "../broker.ts";
import { fenced } from "../fenced.ts";
import { readMessage, writeMessage, type Message } from "./message.ts";

/** The queue that is consumed, and who looks after it. */
export interface ConsumedQueue {
  readonly os: Addon;
  /** Becomes the consumer's own. */
  readonly queue: OpenQueue;
  /** Its name. */
  readonly shard: string;
  /** Puts a message back, behind those of its priority. */
  readonly back: (bytes: Buffer) => Promise<void>;
  readonly closed: () => void;
  readonly env: Env;
}

/** Messages that are read before others get their turn. */
const turnMax = 64;

/** Takes messages out of a queue, as many as may be unsettled. What is released stays here and comes again. */
export class MqConsumer implements Consumer {
  readonly shards: readonly string[] = [];
  readonly #place: ConsumedQueue;
  readonly #prefetch: number;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #memory: Buffer;
  readonly #watch: Watch;
  readonly #unsettled = new Set<MqDelivery>();
  /** Released, to be delivered again; they count as unsettled, so there are no more than may be. */
  #again: Message[] = [];
  #turn = false;
  #paused = false;
  #reading = true;
  #closing: Promise<void> | undefined;

  constructor(
    place: ConsumedQueue,
    prefetch: number,
    deliver: (batch: readonly Delivery[]) => void,
  ) {
    this.#place = place;
    this.#prefetch = prefetch;
    this.#deliver = deliver;
    this.#memory = Buffer.allocUnsafeSlow(place.queue.bytes);
    const { os, queue } = place;
    this.#watch = os.watchStart(queue.fd, os.readable, false, () => this.#read());
  }

  pause(): void {
    this.#paused = true;
    this.#listen();
  }

  resume(): void {
    this.#paused = false;
    this.#listen();
    this.#deliverAgain();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const { os, queue, back, closed } = this.#place;
    os.watchStop(this.#watch);
    os.descriptorClose(queue.fd);
    const left = [...this.#unsettled].map(({ message }) => counted(message)).concat(this.#again);
    this.#unsettled.clear();
    this.#again = [];
    closed();
    // One that finds no room in time is lost: at most once is what is promised.
    await Promise.allSettled(left.map((message) => back(writeMessage(message))));
  }

  settle(delivery: MqDelivery, released: boolean): void {
    if (!this.#unsettled.delete(delivery)) throw fenced(this.#place.shard);
    if (released) {
      this.#again.push(counted(delivery.message));
      this.#deliverAgain();
    }
    this.#listen();
  }

  get #room(): number {
    return this.#prefetch - this.#unsettled.size - this.#again.length;
  }

  #listen(): void {
    if (this.#closing !== undefined) return;
    const reads = !this.#paused && this.#room > 0;
    if (reads === this.#reading) return;
    this.#reading = reads;
    const { os } = this.#place;
    os.watchEvents(this.#watch, reads ? os.readable : 0);
  }

  #read(): void {
    const { os, queue, shard, env } = this.#place;
    const messages: Message[] = [];
    // One that has expired takes no room, but time.
    for (let count = 0; count < turnMax && messages.length < this.#room; count++) {
      const got = os.queueReceive(queue.fd, this.#memory, 0, this.#memory.length);
      if (got < 0) break;
      const message = readMessage(this.#memory, got, shard, env);
      const expiry = message.envelope.attributes[attribute.expirytime];
      if (expiry === undefined || !(Date.parse(expiry) <= env.wall())) messages.push(message);
    }
    this.#hand(messages);
  }

  #deliverAgain(): void {
    if (this.#turn) return;
    this.#turn = true;
    this.#place.env.defer(() => {
      this.#turn = false;
      if (this.#paused || this.#closing !== undefined) return;
      this.#hand(this.#again.splice(0));
    });
  }

  #hand(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const batch = messages.map((message) => new MqDelivery(message, this.#place.shard, this));
    for (const each of batch) this.#unsettled.add(each);
    this.#listen();
    this.#deliver(batch);
  }
}

function counted(message: Message): Message {
  return { ...message, delivered: message.delivered + 1 };
}

class MqDelivery implements Delivery {
  readonly message: Message;
  readonly shard: string;
  readonly generation = 1;
  readonly #consumer: MqConsumer;

  constructor(message: Message, shard: string, consumer: MqConsumer) {
    this.message = message;
    this.shard = shard;
    this.#consumer = consumer;
  }

  get envelope(): Message["envelope"] {
    return this.message.envelope;
  }

  get malformed(): string | undefined {
    return this.message.malformed;
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
    return systemError("UNIMPLEMENTED", `a message of a queue cannot be settled ${how}`, {
      executed: "no",
      endpoint: this.shard,
    });
  }
}
