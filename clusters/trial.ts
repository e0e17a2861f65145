import { setTimeout as pause } from "node:timers/promises";
import { uuidv7 } from "../src/base/id.ts";
import { isTrunklineError } from "../src/base/error.ts";
import { realEnv } from "../src/base/real-env.ts";
import type { Broker, BrokerFactory, Consumer, Delivery, Outgoing } from "../src/broker/broker.ts";
import { channel, type Channel } from "../src/broker/channel.ts";

/** A cluster of one make of broker, on loopback, of which nodes can be killed. */
export interface Cluster extends AsyncDisposable {
  readonly make: BrokerFactory;
  /** Names all nodes. */
  readonly address: string;
  /** What the channel of the trial needs beside order, so that a receipt means that a majority has the message. */
  readonly channel: Partial<Channel>;
  readonly nodes: number;
  /** Which node leads the most shards of a channel. */
  leaderOf(channel: Channel): Promise<number>;
  /** What of a channel waits where, for people. */
  look(channel: Channel): Promise<string>;
  /** Ends a node without a word. */
  kill(node: number): Promise<void>;
  /** Starts it again; resolves when all replicas are in step, so that the next node may be killed. */
  restart(node: number): Promise<void>;
}

export interface TrialTerms {
  readonly messages: number;
  readonly keys: number;
  readonly consumers: number;
  readonly progress: (text: string) => void;
}

/** What was seen. */
export interface TrialReport {
  readonly cluster: string;
  readonly messages: number;
  readonly lost: number;
  /** Effects that came twice although the consumers leave out ids that they know. */
  readonly doubled: number;
  /** Effects before which one of their key was missing. */
  readonly outOfOrder: number;
  /** Deliveries that the consumers left out, because they knew their ids. */
  readonly repeated: number;
  /** Messages that were published again, because nobody said that they had arrived. */
  readonly publishedAgain: number;
  readonly seconds: number;
  readonly kills: readonly Kill[];
}

export interface Kill {
  readonly node: number;
  readonly why: string;
  /** The longest time without a receipt, and without a new message at a consumer, until the node was back and in step. */
  readonly publishPauseMs: number;
  readonly consumePauseMs: number;
}

const batchMessages = 500;
const shards = 12;
/** How long the last messages may take, in milliseconds. */
const endMs = 30_000;

/** How long nothing happened. */
class Gaps {
  #last = performance.now();
  #longest = 0;

  tick(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }

  take(): number {
    const longest = Math.max(this.#longest, performance.now() - this.#last);
    this.#longest = 0;
    return Math.round(longest);
  }
}

/** What the consumers of the group have seen together. */
class Effects {
  readonly #next = new Map<string, number>();
  readonly #ids = new Set<string>();
  readonly gaps = new Gaps();
  doubled = 0;
  outOfOrder = 0;
  repeated = 0;

  get count(): number {
    return this.#ids.size;
  }

  take({ envelope }: Delivery): void {
    if (this.#ids.has(envelope.id)) {
      this.repeated++;
      return;
    }
    this.#ids.add(envelope.id);
    this.gaps.tick();
    const key = envelope.subject!;
    const number = Number(Buffer.from(envelope.data).toString());
    const next = this.#next.get(key) ?? 0;
    if (number < next) this.doubled++;
    else if (number > next) this.outOfOrder++;
    this.#next.set(key, Math.max(next, number + 1));
  }
}

/** Messages of many keys go through a cluster while its nodes are killed: first the leader, then another. */
export async function trial(
  name: string,
  cluster: Cluster,
  terms: TrialTerms,
): Promise<TrialReport> {
  const env = realEnv();
  const open = (who: string): Promise<Broker> =>
    cluster.make.open(cluster.address, { name: who, waitMs: 30_000 }, env);
  const queue = channel({
    name: `trial-${uuidv7(env)}`,
    ...{ shape: "queue", ordered: true, shards },
    ...cluster.channel,
  });
  const effects = new Effects();
  const published = new Gaps();
  const began = performance.now();
  const publisher = await open("publisher");
  await publisher.declare([queue]);
  const consumers: Broker[] = [];
  const members: Consumer[] = [];
  for (let number = 0; number < terms.consumers; number++) {
    const broker = await open(`consumer-${number}`);
    consumers.push(broker);
    const subscription = { channel: queue, group: undefined, prefetch: 200 };
    const member = await broker.consume(subscription, (batch) => {
      for (const delivery of batch) {
        effects.take(delivery);
        delivery.ack().catch(() => {}); // fenced: it comes again
      }
    });
    members.push(member);
  }
  const all = messagesOf(queue, terms, env);
  const killer = new Killer(cluster, queue, [published, effects.gaps], terms.progress);
  let publishedAgain = 0;
  for (let at = 0; at < all.length; at += batchMessages) {
    if (at % (batchMessages * 20) === 0)
      terms.progress(`${at} published, ${effects.count} consumed`);
    await killer.at(at / all.length);
    publishedAgain += await publishAll(publisher, all.slice(at, at + batchMessages), published);
  }
  const until = performance.now() + endMs;
  while (effects.count < all.length && performance.now() < until) await pause(50);
  const seconds = (performance.now() - began) / 1_000;
  if (effects.count < all.length) {
    terms.progress(`missing at the end: ${await cluster.look(queue)}`);
    for (const { shards: held } of members) terms.progress(`a consumer has ${held.join(" ")}`);
  }
  for (const broker of [...consumers, publisher]) await broker.close();
  const { doubled, outOfOrder, repeated } = effects;
  return {
    ...{ cluster: name, messages: all.length, lost: all.length - effects.count },
    ...{ doubled, outOfOrder, repeated, publishedAgain },
    seconds: Math.round(seconds * 10) / 10,
    kills: killer.kills,
  };
}

/** Kills a node when a tenth is published, and another when six tenths are and the first is back; the last tenth waits for both. */
class Killer {
  readonly kills: Kill[] = [];
  readonly #cluster: Cluster;
  readonly #channel: Channel;
  readonly #gaps: readonly [published: Gaps, consumed: Gaps];
  readonly #progress: (text: string) => void;
  #begun = 0;
  #killing: Promise<void> = Promise.resolve();

  constructor(
    cluster: Cluster,
    on: Channel,
    gaps: readonly [published: Gaps, consumed: Gaps],
    progress: (text: string) => void,
  ) {
    this.#cluster = cluster;
    this.#channel = on;
    this.#gaps = gaps;
    this.#progress = progress;
  }

  /** Called before each batch, with the share that is published. */
  async at(share: number): Promise<void> {
    if (share >= 0.5 && this.kills.length === 0) await this.#killing;
    if (share >= 0.1 && this.#begun === 0)
      this.#begin("which leads the most shards", () => this.#cluster.leaderOf(this.#channel));
    const [first] = this.kills;
    if (share >= 0.6 && this.#begun === 1 && first !== undefined)
      this.#begin("any other", () => Promise.resolve((first.node + 1) % this.#cluster.nodes));
    if (share >= 0.9) await this.#killing;
  }

  #begin(why: string, choose: () => Promise<number>): void {
    this.#begun++;
    this.#killing = this.#kill(why, choose);
  }

  async #kill(why: string, choose: () => Promise<number>): Promise<void> {
    const node = await choose();
    const [published, consumed] = this.#gaps;
    this.#progress(`killing node ${node}, ${why}`);
    for (const gaps of this.#gaps) gaps.take();
    await this.#cluster.kill(node);
    await this.#cluster.restart(node);
    this.#progress(`node ${node} is back and in step`);
    this.kills.push({
      ...{ node, why },
      publishPauseMs: published.take(),
      consumePauseMs: consumed.take(),
    });
  }
}

function messagesOf(
  queue: Channel,
  { messages, keys }: TrialTerms,
  env: ReturnType<typeof realEnv>,
): Outgoing[] {
  return Array.from({ length: messages }, (_, index) => ({
    channel: queue,
    envelope: {
      id: uuidv7(env),
      type: "trial.counted",
      source: "/trial",
      subject: `key-${index % keys}`,
      time: Math.floor(env.wall()),
      contentType: "text/plain",
      attributes: {},
      data: Buffer.from(String(Math.floor(index / keys))),
    },
  }));
}

/** Until each has its receipt. From the first that has none on all go again, in their order: the consumers know which they have. */
async function publishAll(
  publisher: Broker,
  batch: readonly Outgoing[],
  gaps: Gaps,
): Promise<number> {
  let again = 0;
  for (let rest = batch; rest.length > 0;) {
    const outcomes = await publisher.publish(rest);
    const failed = outcomes.findIndex((outcome) => isTrunklineError(outcome));
    if (failed !== 0) gaps.tick();
    if (failed < 0) return again;
    rest = rest.slice(failed);
    again += rest.length;
  }
  return again;
}
