import { alarmAt, atMost } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Consumer, Delivery, Subscription } from "../../broker/broker.ts";
import { againWaits } from "./bounds.ts";
import type { Outgo } from "./publications.ts";

/** A consumer of a folder's broker, under all its owners: each gives it a consumer of its own, and what came by the one before is fenced. */
export class FileConsumer implements Consumer {
  readonly #subscription: Subscription;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #left: (consumer: FileConsumer) => void;
  readonly #env: Env;
  /** What it has of the owner that there is. */
  #consumer: Consumer | undefined;
  #outgo: Outgo | undefined;
  #again: Alarm | undefined;
  #paused = false;
  /** The owner leaves: what still comes from it comes again from the next one. */
  #resting = false;
  #closed = false;

  constructor(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
    left: (consumer: FileConsumer) => void,
    env: Env,
  ) {
    this.#subscription = subscription;
    this.#deliver = deliver;
    this.#left = left;
    this.#env = env;
  }

  get shards(): readonly string[] {
    return this.#consumer?.shards ?? [];
  }

  pause(): void {
    this.#paused = true;
    this.#consumer?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#consumer?.resume();
  }

  /** Begins under an owner. Rejects with what the owner says. */
  async begin(outgo: Outgo): Promise<void> {
    this.#outgo = outgo;
    this.#resting = false;
    const consumer = await outgo.broker.consume(this.#subscription, (batch) => {
      if (this.#outgo === outgo && !this.#resting && !this.#closed) this.#deliver(batch);
    });
    if (this.#outgo !== outgo || this.#closed) return consumer.close();
    this.#consumer = consumer;
    if (this.#paused) consumer.pause();
  }

  /** The same, until it succeeds, or that owner is gone. */
  beginAgain(outgo: Outgo, failures: number = 0): void {
    this.begin(outgo).catch(() => {
      if (this.#closed || outgo.over || this.#outgo !== outgo) return;
      const waitMs = backoff(failures, againWaits, () => this.#env.random());
      const again = (): void => this.beginAgain(outgo, failures + 1);
      this.#again = alarmAt(this.#env, this.#env.now() + waitMs, again);
    });
  }

  /** Begins nothing more, and lets what runs end within so many milliseconds. */
  async rest(withinMs: number): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    this.#resting = true;
    consumer.pause();
    const { revoking } = this.#subscription;
    const resting = consumer.shards.map(async (shard) => revoking?.(shard).catch(() => undefined));
    await atMost(this.#env, withinMs, Promise.all(resting));
    this.#lose(consumer);
    await consumer.close();
  }

  /** That owner is gone. */
  over(): void {
    this.#outgo = undefined;
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    this.#lose(consumer);
    void consumer.close().catch(() => undefined); // nobody is there any more to hear it
  }

  #lose(consumer: Consumer): void {
    this.#consumer = undefined;
    for (const shard of consumer.shards) this.#subscription.lost?.(shard);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#again !== undefined) this.#env.clear(this.#again);
    this.#left(this);
    await this.#consumer?.close();
  }
}
