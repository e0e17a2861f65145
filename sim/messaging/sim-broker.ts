import type { SimEnv, World } from "trunkline/testing";
import { systemError, type TrunklineError } from "../../src/base/error.ts";
import type {
  Broker,
  Consumer,
  Delivery,
  Outgoing,
  Receipt,
  Subscription,
} from "../../src/broker/broker.ts";
import type { Channel } from "../../src/broker/channel.ts";
import type { Envelope } from "../../src/broker/envelope.ts";
import type { FaultName } from "./plan.ts";

/** A process of which nothing was heard for that long has lost its shards, in milliseconds. */
const sessionMs = 2_000;

/** What the ways between processes and the broker are like. */
export interface Ways {
  readonly world: World;
  readonly brokerEnv: SimEnv;
  /** The broker has transactions. */
  readonly transactions: boolean;
  /** Of one way, in milliseconds. */
  latency(): number;
  /** Whether something of that class is lost now. */
  lost(what: FaultName): boolean;
  /** Of a batch only so many messages come to the broker; undefined: all. Absent: always all. */
  cut?(length: number): number | undefined;
  /** The largest message that the broker takes, in bytes. Absent: as large as it says itself. */
  readonly bytesMax?: number;
}

/** One direction of a connection: what was sent first arrives first. */
class Way {
  readonly #ways: Ways;
  #lastAt = 0;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  /** Runs `work` at the other end, in the life of `env`. */
  go(env: SimEnv, work: () => void): void {
    const { world } = this.#ways;
    this.#lastAt = Math.max(this.#lastAt, world.now + this.#ways.latency());
    env.in(this.#lastAt - world.now, work);
  }

  pass(env: SimEnv): Promise<void> {
    return new Promise((resolve) => this.go(env, resolve));
  }
}

/** What a life of a process has of the broker: everything takes time, and may be lost, on both ways. */
export class SimBroker implements Broker {
  readonly name = "simulated";
  readonly address = "memory:simulated";
  readonly #broker: Broker;
  readonly #env: SimEnv;
  readonly #stage: Ways;
  readonly #there: Way;
  readonly #back: Way;

  constructor(broker: Broker, env: SimEnv, stage: Ways) {
    this.#broker = broker;
    this.#env = env;
    this.#stage = stage;
    this.#there = new Way(stage);
    this.#back = new Way(stage);
  }

  /** As most brokers: no transactions, so that what is dead is published first and acked then. */
  get capabilities(): Broker["capabilities"] {
    const { capabilities } = this.#broker;
    const { transactions, bytesMax = capabilities.bytesMax } = this.#stage;
    return { ...capabilities, transactions, bytesMax };
  }

  declare(channels: readonly Channel[]): ReturnType<Broker["declare"]> {
    return this.#broker.declare(channels);
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    await this.#there.pass(this.#env);
    if (this.#stage.lost("publishLost")) {
      return messages.map(() => maybe("the connection was lost before it was there"));
    }
    const arrived = messages.slice(0, this.#stage.cut?.(messages.length));
    const receipts = await this.#broker.publish(arrived);
    await this.#back.pass(this.#env);
    if (this.#stage.lost("receiptLost"))
      return messages.map(() => maybe("the connection was lost before the receipt came"));
    return messages.map(
      (_, index) => receipts[index] ?? maybe("the connection was lost within the batch"),
    );
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    const session = new Session(this.#broker, subscription, deliver, this.#env, this.#stage);
    await session.join();
    return session;
  }

  browse(channel: Channel, group: string | undefined, limit: number): Promise<readonly Envelope[]> {
    return this.#broker.browse(channel, group, limit);
  }

  lag(channel: Channel, group: string | undefined): ReturnType<Broker["lag"]> {
    return this.#broker.lag(channel, group);
  }

  replies(): never {
    throw new TypeError("nobody asks here");
  }

  reply(): Promise<void> {
    return Promise.resolve();
  }

  reset(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

function maybe(reason: string): TrunklineError {
  return systemError("UNAVAILABLE", reason, { executed: "maybe" });
}

/** One consumer of a life, whose heartbeats the broker hears as long as the process runs. */
class Session implements Consumer {
  readonly #broker: Broker;
  readonly #subscription: Subscription;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #env: SimEnv;
  readonly #stage: Ways;
  #member: Consumer | undefined;
  #heardAt = 0;
  #closed = false;

  constructor(
    broker: Broker,
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
    env: SimEnv,
    stage: Ways,
  ) {
    this.#broker = broker;
    this.#subscription = subscription;
    this.#deliver = deliver;
    this.#env = env;
    this.#stage = stage;
  }

  async join(): Promise<void> {
    const { revoking, lost, assigned } = this.#subscription;
    const way = new Way(this.#stage);
    const acks = new Way(this.#stage);
    // That a shard is taken away may be heard before what was delivered of it.
    const late = new Way(this.#stage);
    // Nothing comes by a connection that is lost.
    const live = (work: () => void): void => {
      if (joined.member === undefined || this.#member === joined.member) work();
    };
    const there = (work: () => void): void => way.go(this.#env, () => live(work));
    let pending: (readonly Delivery[])[] = [];
    const flush = (): void => {
      const batches = pending;
      pending = [];
      for (const batch of batches) this.#deliver(batch);
    };
    const joined: { member?: Consumer } = {};
    joined.member = await this.#broker.consume(
      {
        ...this.#subscription,
        revokeMs: sessionMs,
        assigned: (shard) =>
          there(() => {
            flush();
            assigned?.(shard);
          }),
        lost: (shard) =>
          there(() => {
            pending = pending.map((batch) => batch.filter((each) => each.shard !== shard));
            lost?.(shard);
          }),
        revoking: (shard) =>
          new Promise((resolve) => {
            there(() => void revoking?.(shard).then(() => acks.go(this.#stage.brokerEnv, resolve)));
          }),
      },
      (batch) => {
        const cut = (): void => void (joined.member && this.#expel(joined.member));
        const own = batch.map((each) => new SimDelivery(each, acks, cut, this.#env, this.#stage));
        there(() => {
          pending.push(own);
          late.go(this.#env, () => live(flush));
        });
      },
    );
    // It was left before it had joined.
    if (this.#closed) return joined.member.close();
    this.#member = joined.member;
    this.#heardAt = this.#stage.world.now;
    this.#beat();
    this.#watch(joined.member);
  }

  /** Runs in the process: a paused one is silent. */
  #beat(): void {
    this.#heardAt = this.#stage.world.now;
    if (!this.#closed) this.#env.in(sessionMs / 4, () => this.#beat());
  }

  /** Runs at the broker. */
  #watch(member: Consumer): void {
    const { world } = this.#stage;
    const dead = !this.#env.alive;
    if (this.#closed || this.#member !== member) return;
    if (dead || world.now - this.#heardAt > sessionMs) {
      void this.#expel(member);
      return;
    }
    this.#stage.brokerEnv.in(sessionMs / 4, () => this.#watch(member));
  }

  /** Its session is over, or its connection lost. */
  async #expel(member: Consumer): Promise<void> {
    if (this.#member !== member) return;
    const { shards } = member;
    this.#member = undefined;
    await member.close();
    this.#stage.world.trace("a member was expelled");
    // It hears of it when it runs again, and joins anew; what it holds is fenced.
    this.#env.in(0, () => {
      for (const shard of shards) this.#subscription.lost?.(shard);
      if (!this.#closed) void this.join();
    });
  }

  get shards(): readonly string[] {
    return this.#member?.shards ?? [];
  }

  pause(): void {
    this.#member?.pause();
  }

  resume(): void {
    this.#member?.resume();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#member?.close();
  }
}

class SimDelivery implements Delivery {
  readonly envelope: Envelope;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly shard: string;
  readonly generation: number;
  readonly #delivery: Delivery;
  readonly #acks: Way;
  /** The connection is lost. */
  readonly #cut: () => void;
  readonly #env: SimEnv;
  readonly #stage: Ways;

  constructor(delivery: Delivery, acks: Way, cut: () => void, env: SimEnv, stage: Ways) {
    this.envelope = delivery.envelope;
    this.attempt = delivery.attempt;
    this.redelivered = delivery.redelivered;
    this.shard = delivery.shard;
    this.generation = delivery.generation;
    this.#delivery = delivery;
    this.#acks = acks;
    this.#cut = cut;
    this.#env = env;
    this.#stage = stage;
  }

  ack(outputs?: readonly Outgoing[]): Promise<void> {
    return this.#settle(() => this.#delivery.ack(outputs));
  }

  release(notBefore?: number): Promise<void> {
    return this.#settle(() => this.#delivery.release(notBefore));
  }

  /** It takes its way, or is lost on it; and so does the answer. */
  async #settle(work: () => Promise<void>): Promise<void> {
    await this.#acks.pass(this.#env);
    if (this.#stage.lost("ackLost")) {
      this.#cut();
      throw maybe("the connection was lost");
    }
    await work();
    if (!this.#stage.lost("ackRefused")) return;
    this.#cut();
    throw maybe("the connection was lost after it was settled");
  }
}
