import type { AsyncMessage, Connection } from "rabbitmq-client";
import { alarmAt, atMost, sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { attribute } from "../attributes.ts";
import type { Consumer, Delivery, Subscription } from "../broker.ts";
import { AmqpDelivery, type DeliveryOwner } from "./delivery.ts";
import type { Arrival } from "./message.ts";
import { Lock } from "./lock.ts";
import { ShardReader } from "./shard-reader.ts";
import { Spread, type SpreadTerms } from "./spread.ts";
import type { QueuePlan } from "./topology.ts";

/** Between tries to read a queue again that was lost while the connection was not. */
const again = { baseMs: 100, capMs: 5_000 };
/** How often it is looked for deliveries that are held too long, as a part of that time. */
const looksPerHold = 10;
/** How often one that waits looks whether it is its turn. */
const turnMs = 1_000;
const revokeMsDefault = 10_000;

export interface ConsumerTerms {
  readonly subscription: Subscription;
  /** What is read: one queue, or shards. */
  readonly queues: readonly string[];
  /** The queues by which the members of a divided group are counted; undefined: all that is read is this consumer's. */
  readonly spread: Pick<SpreadTerms, "members" | "hungry"> | undefined;
  /** Held by the one of a group that consumes, where the others wait. */
  readonly only?: QueuePlan | undefined;
  /** How the queue is read, asked each time anew: a stream goes on where it was. */
  readonly arguments?: () => Readonly<Record<string, string | number>>;
  /** Called with each message that is handed over. */
  readonly seen?: (message: AsyncMessage) => void;
  /** Makes on a new connection what is to be read. */
  readonly prepare: (connection: Connection) => Promise<void>;
  readonly later: (delivery: Delivery, notBefore: number) => Promise<void>;
  /** Deliveries that are held longer are given back: the server would close the channel after its `consumer_timeout`. */
  readonly holdMs: number;
  readonly endpoint: string;
  readonly env: Env;
}

interface Reading {
  readonly reader: ShardReader;
  /** Nothing of it has come yet. */
  idle: boolean;
}

/** Consumes a queue, or a share of the shards of a group, and hands over no more than `prefetch` deliveries at a time. */
export class AmqpConsumer implements Consumer, DeliveryOwner {
  readonly #terms: ConsumerTerms;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #readings = new Map<string, Reading>();
  readonly #spread: Spread | undefined;
  readonly #lock: Lock | undefined;
  /** Read and not handed over: at most `prefetch` of each queue. */
  #waiting: AmqpDelivery[] = [];
  readonly #unsettled = new Set<AmqpDelivery>();
  readonly #revoking = new Set<string>();
  /** Nothing is handed over before whoever consumes has this object. */
  #begun = false;
  #flushing = false;
  #paused = false;
  #closed = false;
  #generation = 0;
  #connection: Connection | undefined;
  #looking: Alarm | undefined;

  constructor(terms: ConsumerTerms, deliver: (batch: readonly Delivery[]) => void) {
    this.#terms = terms;
    this.#deliver = deliver;
    const { queues, spread, only, env } = terms;
    if (only !== undefined) this.#lock = new Lock(only);
    if (spread !== undefined)
      this.#spread = new Spread({
        ...spread,
        shards: queues,
        env,
        idle: (shard) => this.#readings.get(shard)?.idle ?? true,
        take: (shard, connection) => this.#read(shard, connection),
        leave: (shard) => this.#revoke(shard),
      });
    this.#look();
  }

  get shards(): readonly string[] {
    return [...this.#readings.keys()];
  }

  get endpoint(): string {
    return this.#terms.endpoint;
  }

  readonly arrival = (): Arrival => ({
    wallMs: this.#terms.env.wall(),
    newId: () => uuidv7(this.#terms.env),
  });

  /** Begins to read on a connection. */
  async start(connection: Connection): Promise<void> {
    this.#connection = connection;
    await this.#terms.prepare(connection);
    if (this.#spread !== undefined) await this.#spread.start(connection);
    else if (this.#lock === undefined) await this.#readAll(connection);
    else if (await this.#lock.take(connection)) await this.#readAll(connection);
    else void this.#wait(this.#lock, connection);
    this.#terms.env.yield(() => {
      this.#begun = true;
      this.#flush();
    });
  }

  async #readAll(connection: Connection): Promise<void> {
    for (const queue of this.#terms.queues)
      if (!this.#readings.has(queue)) await this.#read(queue, connection);
  }

  /** Until it is this one's turn. */
  async #wait(lock: Lock, connection: Connection): Promise<void> {
    const { env } = this.#terms;
    let taken = false;
    while (!this.#closed && this.#connection === connection) {
      await sleep(env, turnMs * (0.8 + 0.4 * env.random()));
      if (this.#closed || this.#connection !== connection) return;
      try {
        taken ||= await lock.take(connection);
        if (taken) return await this.#readAll(connection);
      } catch {
        // The queue cannot be read now.
      }
    }
  }

  /** On a new connection, until it reads again or that is lost too. */
  async restart(connection: Connection): Promise<void> {
    const { env } = this.#terms;
    this.#connection = connection;
    for (let failures = 0; !this.#closed && this.#connection === connection; failures++) {
      try {
        await this.start(connection);
        return;
      } catch {
        await sleep(
          env,
          backoff(failures, again, () => env.random()),
        );
      }
    }
  }

  /** The connection is lost: what was delivered is fenced. */
  lost(): void {
    this.#connection = undefined;
    this.#spread?.lost();
    for (const shard of this.#readings.keys()) this.#dropped(shard);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#looking !== undefined) this.#terms.env.clear(this.#looking);
    await this.#spread?.close();
    const readings = [...this.#readings.values()];
    this.#readings.clear();
    this.#waiting = [];
    this.#unsettled.clear();
    await Promise.all(readings.map(({ reader }) => reader.close()));
    await this.#lock?.release();
  }

  settled(delivery: AmqpDelivery): void {
    this.#unsettled.delete(delivery);
    if (this.#waiting.length > 0) this.#flush();
  }

  later(delivery: AmqpDelivery, notBefore: number): Promise<void> {
    return this.#terms.later(delivery, notBefore);
  }

  async #read(shard: string, connection: Connection): Promise<void> {
    const { subscription, env, seen } = this.#terms;
    this.#generation = Math.max(this.#generation + 1, Math.floor(env.wall()));
    const generation = this.#generation;
    const reader: ShardReader = new ShardReader({
      queue: shard,
      prefetch: subscription.prefetch,
      ...(this.#terms.arguments === undefined ? {} : { arguments: this.#terms.arguments() }),
      took: (message) => {
        const from = { reader, shard, generation, cameAt: env.now() };
        seen?.(message);
        reading.idle = false;
        this.#waiting.push(new AmqpDelivery(message, from, this));
        this.#flush();
      },
      ended: () => {
        if (this.#readings.get(shard)?.reader !== reader) return;
        this.#dropped(shard);
        this.#takenAgain(shard);
      },
    });
    const reading: Reading = { reader, idle: true };
    this.#readings.set(shard, reading);
    subscription.assigned?.(shard);
    try {
      await reader.start(connection);
    } catch (error) {
      this.#dropped(shard);
      throw error;
    }
  }

  /** What is shared out is taken by the next look. */
  #takenAgain(shard: string): void {
    if (this.#spread !== undefined) this.#spread.dropped(shard);
    else if (this.#connection !== undefined) void this.#readAgain(shard, this.#connection);
  }

  async #readAgain(shard: string, connection: Connection): Promise<void> {
    const { env, prepare } = this.#terms;
    for (let failures = 0; !this.#closed && this.#connection === connection; failures++) {
      await sleep(
        env,
        backoff(failures, again, () => env.random()),
      );
      if (this.#closed || this.#connection !== connection) return;
      try {
        await prepare(connection);
        await this.#read(shard, connection);
        return;
      } catch {
        // The queue cannot be read now.
      }
    }
  }

  /** Without a word to its reader: that has ended, or is ended by who calls. */
  #dropped(shard: string): void {
    if (!this.#readings.delete(shard)) return;
    this.#forget(shard);
    this.#terms.subscription.lost?.(shard);
  }

  #forget(shard: string): void {
    this.#waiting = this.#waiting.filter((each) => each.shard !== shard);
    for (const each of this.#unsettled) if (each.shard === shard) this.#unsettled.delete(each);
    if (this.#waiting.length > 0) this.#flush();
  }

  async #revoke(shard: string): Promise<void> {
    const { subscription, env } = this.#terms;
    const reading = this.#readings.get(shard);
    if (reading === undefined) return;
    this.#revoking.add(shard);
    const { revoking, revokeMs = revokeMsDefault } = subscription;
    try {
      if (revoking !== undefined)
        await atMost(
          env,
          revokeMs,
          revoking(shard).catch(() => {}),
        );
    } finally {
      this.#revoking.delete(shard);
      this.#readings.delete(shard);
      await reading.reader.close();
      this.#forget(shard);
    }
  }

  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#terms.env.defer(() => {
      this.#flushing = false;
      this.#handOver();
    });
  }

  #handOver(): void {
    if (this.#paused || this.#closed || !this.#begun) return;
    const { prefetch } = this.#terms.subscription;
    const batch: AmqpDelivery[] = [];
    const kept: AmqpDelivery[] = [];
    for (const each of this.#waiting) {
      if (!each.held) continue;
      if (this.#isExpired(each)) void each.ack().catch(() => {});
      else if (this.#unsettled.size >= prefetch || this.#revoking.has(each.shard)) kept.push(each);
      else {
        this.#unsettled.add(each);
        batch.push(each);
      }
    }
    this.#waiting = kept;
    if (batch.length > 0) this.#deliver(batch);
  }

  /** It may have waited here, or in a delay, where the server does not look. */
  #isExpired({ envelope }: AmqpDelivery): boolean {
    const said = envelope.attributes[attribute.expirytime];
    return said !== undefined && Date.parse(said) <= this.#terms.env.wall();
  }

  #look(): void {
    const { env, holdMs } = this.#terms;
    this.#looking = alarmAt(env, env.now() + holdMs / looksPerHold, () => {
      const since = env.now() - holdMs;
      const late = [...this.#unsettled, ...this.#waiting].filter(({ cameAt }) => cameAt <= since);
      if (!this.#terms.subscription.channel.ordered) for (const each of late) each.giveBack();
      else for (const shard of new Set(late.map((each) => each.shard))) this.#reset(shard);
      this.#look();
    });
  }

  /** In a shard one message alone cannot be given back: those after it would overtake it. */
  #reset(shard: string): void {
    const reading = this.#readings.get(shard);
    this.#dropped(shard);
    void reading?.reader.close();
    this.#takenAgain(shard);
  }
}
