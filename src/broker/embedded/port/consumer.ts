import type { Env } from "../../../base/env.ts";
import type { Consumer, Delivery, Outgoing, Subscription } from "../../broker.ts";
import { fenced } from "../../fenced.ts";
import type { ConsumerTerms, Handed, QueueConsumer } from "../consumer.ts";
import type { Message } from "../message.ts";
import { EmbeddedDelivery, type DeliveryHome } from "./delivery.ts";
import { filterOf } from "./filter.ts";
import type { Safety } from "./safety.ts";

/** What a consumer needs of the broker whose it is. */
export interface ConsumerParts {
  readonly tag: string;
  readonly user: string;
  readonly endpoint: string;
  readonly env: Env;
  readonly safety: Safety;
  /** Its queue keeps what is settled beyond the life of the process. */
  readonly stored: boolean;
  /** Resolves when outputs may be published, rejects when that cannot be waited for. */
  readonly ready: () => Promise<void>;
  /** Throws when one of them is refused. What is given back publishes all of them, in the same turn. */
  readonly prepare: (outputs: readonly Outgoing[]) => () => void;
  /** The queue is gone, and the consumer still wants it. */
  readonly gone: (consumer: EmbeddedConsumer) => void;
  readonly closed: (consumer: EmbeddedConsumer) => void;
}

const settled = Promise.resolve();

/** A consumer of the port, as the queue sees it and as its user does. */
export class EmbeddedConsumer implements Consumer, ConsumerTerms, DeliveryHome {
  readonly tag: string;
  readonly user: string;
  readonly noAck = false;
  readonly exclusive = false;
  readonly wants?: (message: Message) => boolean;
  readonly revoking?: (shard: string) => Promise<void>;
  readonly revokeMs?: number;
  readonly #parts: ConsumerParts;
  readonly #subscription: Subscription;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #unsettled = new Set<EmbeddedDelivery>();
  #batch: EmbeddedDelivery[] = [];
  #queue: QueueConsumer | undefined;
  #paused = false;
  #closed = false;

  constructor(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
    parts: ConsumerParts,
  ) {
    const { filter, revoking, revokeMs } = subscription;
    this.tag = parts.tag;
    this.user = parts.user;
    this.#parts = parts;
    this.#subscription = subscription;
    this.#deliver = deliver;
    if (filter !== undefined) this.wants = filterOf(filter);
    if (revoking !== undefined) this.revoking = revoking;
    if (revokeMs !== undefined) this.revokeMs = revokeMs;
  }

  get shards(): readonly string[] {
    return this.#queue?.shards ?? [];
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  unsettledIn(shard: string): number {
    let count = 0;
    for (const each of this.#unsettled) if (each.shard === shard) count++;
    return count;
  }

  /** It consumes from now on. */
  began(queue: QueueConsumer): void {
    this.#queue = queue;
    if (this.#closed) queue.close();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#queue?.wake();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#unsettled.clear();
      this.#queue?.close();
      this.#parts.closed(this);
    }
    return Promise.resolve();
  }

  room(): number {
    return this.#paused || this.#closed ? 0 : this.#subscription.prefetch - this.#unsettled.size;
  }

  deliver(handed: Handed): void {
    const delivery = new EmbeddedDelivery(handed, this);
    this.#unsettled.add(delivery);
    this.#batch.push(delivery);
    if (this.#batch.length === 1) this.#parts.env.defer(this.#flush);
  }

  readonly #flush = (): void => {
    const now = this.#parts.env.wall();
    const batch = this.#batch.filter(
      (each) => this.#unsettled.has(each) && !this.#stale(each, now),
    );
    this.#batch = [];
    if (batch.length > 0) this.#deliver(batch);
  };

  /** It was to be delivered at once or not at all, and nobody wants it any more. */
  #stale(delivery: EmbeddedDelivery, nowWall: number): boolean {
    const { expirationMs } = delivery.message;
    if (expirationMs === undefined || delivery.handed.enqueuedAt + expirationMs > nowWall)
      return false;
    this.#unsettled.delete(delivery);
    this.#queue?.ack(delivery.handed);
    return true;
  }

  assigned(shard: string): void {
    this.#subscription.assigned?.(shard);
  }

  lost(shard: string): void {
    for (const each of this.#unsettled) if (each.shard === shard) this.#unsettled.delete(each);
    this.#subscription.lost?.(shard);
  }

  cancelled(): void {
    this.#unsettled.clear();
    this.#queue = undefined;
    if (!this.#closed) this.#parts.gone(this);
  }

  ack(delivery: EmbeddedDelivery, outputs: readonly Outgoing[]): Promise<void> {
    if (outputs.length > 0) return this.#ackWith(delivery, outputs);
    const { endpoint, stored, safety } = this.#parts;
    const done = this.#take(delivery)?.ack(delivery.handed);
    if (done !== true) return Promise.reject(fenced(endpoint));
    return stored && delivery.message.persistent ? safety.noted() : settled;
  }

  async #ackWith(delivery: EmbeddedDelivery, outputs: readonly Outgoing[]): Promise<void> {
    const { ready, prepare, safety, endpoint } = this.#parts;
    await ready();
    const publish = prepare(outputs);
    // Nobody runs between these two lines: what is done and what is published are one.
    if (this.#take(delivery)?.ack(delivery.handed) !== true) throw fenced(endpoint);
    publish();
    await safety.noted();
  }

  /** Nothing is waited for: whoever lets go of it is rid of it before it comes again, and that may be at once. */
  release(delivery: EmbeddedDelivery, notBefore: number | undefined): Promise<void> {
    const done = this.#take(delivery)?.release(delivery.handed, notBefore);
    return done === true ? settled : Promise.reject(fenced(this.#parts.endpoint));
  }

  /** It has room again before the queue hears of it, which then asks for it. Undefined: it has not got that delivery any more. */
  #take(delivery: EmbeddedDelivery): QueueConsumer | undefined {
    return this.#unsettled.delete(delivery) ? this.#queue : undefined;
  }
}
