import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import type { Addon } from "../../os/addon.ts";
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
  Subscription,
} from "../broker.ts";
import type { Channel } from "../channel.ts";
import type { Envelope } from "../envelope.ts";
import { writtenEnvelope } from "../written-envelope.ts";
import type { MmapPlace } from "./address.ts";
import { madeFile } from "./making.ts";
import { MmapConsumer } from "./mmap-consumer.ts";
import { notTurn } from "./refusal.ts";
import { RingFile } from "./ring-file.ts";
import { RingFileWriter } from "./ring-file-writer.ts";
import { waiting, type Waiting } from "./waiting.ts";

export interface MmapTerms {
  readonly os: Addon;
  readonly place: MmapPlace;
  readonly capabilities: BrokerCapabilities;
  readonly waitMs: number;
  readonly env: Env;
}

const documents = "send documents, which --queue of the command line means; or ";

/** How often, in milliseconds, is looked whether somebody else has made a file. */
const makingMs = 4;

/** A user of rings in files whose paths have one beginning. */
export class MmapBroker implements Broker {
  readonly name = "mmap";
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  readonly #terms: MmapTerms;
  readonly #writers = new Map<string, RingFileWriter>();
  readonly #consumers = new Set<MmapConsumer>();
  #closed = false;

  constructor(terms: MmapTerms) {
    this.#terms = terms;
    this.address = terms.place.text;
    this.capabilities = terms.capabilities;
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    this.#refuseClosed();
    for (const channel of channels) this.#refuseMore(channel);
    const { sized, ringBytes } = this.#terms.place;
    const drifts: Drift[] = [];
    for (const { name } of channels) {
      const file = await this.#made(name);
      file.close();
      if (!sized || file.ringBytes === ringBytes) continue;
      const [declared, found] = [String(ringBytes), String(file.ringBytes)];
      drifts.push({ channel: name, what: `${file.path}: bytes`, declared, found });
    }
    return drifts;
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    this.#refuseClosed();
    const outcomes: (Receipt | TrunklineError)[] = [];
    const byChannel = new Map<string, number[]>();
    for (const [index, message] of messages.entries()) {
      const refused = this.#refusal(message);
      if (refused !== undefined) outcomes[index] = refused;
      else {
        const of = byChannel.get(message.channel.name);
        if (of === undefined) byChannel.set(message.channel.name, [index]);
        else of.push(index);
      }
    }
    await Promise.all(
      [...byChannel].map(([name, indexes]) => this.#write(name, indexes, messages, outcomes)),
    );
    return outcomes;
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.#refuseClosed();
    const { channel, prefetch } = subscription;
    this.#refuseMore(channel);
    const { name } = channel;
    const { os, env } = this.#terms;
    const file = await this.#made(name);
    if (this.#closed) file.close(); // while somebody else made it
    this.#refuseClosed();
    const open = (): RingFile | undefined => this.#openOrMake(name);
    const closed = (): boolean => this.#consumers.delete(consumer);
    const consumer = new MmapConsumer({ os, name, file, open, closed, env }, prefetch, deliver);
    this.#consumers.add(consumer);
    return consumer;
  }

  replies(): Promise<ReplyBox> {
    return Promise.reject(this.#cannot("replies"));
  }

  reply(): Promise<void> {
    return Promise.reject(this.#cannot("replies"));
  }

  async browse(
    { name }: Channel,
    _group: string | undefined,
    limit: number,
  ): Promise<readonly Envelope[]> {
    return (await this.#waiting(name, limit)).envelopes;
  }

  async lag({ name }: Channel): Promise<Lag> {
    const { count, there } = await this.#waiting(name, 0);
    return { waiting: count, shards: there ? [{ shard: name, waiting: count }] : [] };
  }

  reset(): Promise<void> {
    return Promise.reject(this.#cannot("that anything is consumed again"));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#consumers].map((each) => each.close()));
    await Promise.all([...this.#writers.values()].map((each) => each.close()));
    this.#writers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #write(
    name: string,
    indexes: readonly number[],
    messages: readonly Outgoing[],
    into: (Receipt | TrunklineError)[],
  ): Promise<void> {
    const { os, env, waitMs, place } = this.#terms;
    let writer = this.#writers.get(name);
    if (writer === undefined) {
      writer = new RingFileWriter({ os, path: this.#pathOf(name), sync: place.sync, env });
      this.#writers.set(name, writer);
    }
    const payloads = indexes.map((index) => writtenEnvelope(messages[index]!.envelope));
    const outcomes = await writer.write(payloads, env.now() + waitMs);
    for (const [at, index] of indexes.entries())
      into[index] = outcomes[at] ?? { enqueued: "stored", position: name };
  }

  async #waiting(name: string, limit: number): Promise<Waiting & { readonly there: boolean }> {
    this.#refuseClosed();
    const { os, env, waitMs } = this.#terms;
    const file = RingFile.open(os, this.#pathOf(name));
    if (file === undefined) return { envelopes: [], count: 0, there: false };
    try {
      return { ...(await waiting(file, limit, env.now() + waitMs, env)), there: true };
    } finally {
      file.close();
    }
  }

  async #made(name: string): Promise<RingFile> {
    const { env, waitMs } = this.#terms;
    const until = env.now() + waitMs;
    for (;;) {
      const file = this.#openOrMake(name);
      if (file !== undefined) return file;
      if (env.now() >= until) throw notTurn(`${this.#pathOf(name)}.new`);
      await sleep(env, makingMs);
    }
  }

  /** Undefined: somebody else is making it. */
  #openOrMake(name: string): RingFile | undefined {
    const { os, place } = this.#terms;
    const path = this.#pathOf(name);
    const found = RingFile.open(os, path);
    if (found !== undefined || !madeFile(os, path, place.ringBytes)) return found;
    return RingFile.open(os, path);
  }

  /** `./shop.orders.1.pay` */
  #pathOf(name: string): string {
    return `${this.#terms.place.path}.${name}`;
  }

  #refusal({ to, notBefore }: Outgoing): TrunklineError | undefined {
    if (to !== undefined) return this.#cannot("groups");
    if (notBefore !== undefined) return this.#cannot("that a message is held back");
    return undefined;
  }

  #refuseMore(channel: Channel): void {
    const { receipts, guarantees } = this.capabilities;
    const { name, enqueued } = channel;
    if (channel.shape === "topic") throw this.#cannot(`topics (${name})`, documents);
    if (enqueued !== undefined && !receipts.includes(enqueued))
      throw this.#cannot(`receipts that mean "${enqueued}"`);
    if (!guarantees.includes(channel.guarantee)) throw this.#cannot(channel.guarantee);
    if (channel.compacted || channel.retentionMs !== undefined)
      throw this.#cannot(`that messages are kept for a time (${name})`);
    if (channel.lengthMax !== undefined)
      throw this.#cannot(`a bound in messages (${name}): the bytes of the ring are one`);
    if (channel.priorityMax > 0) throw this.#cannot(`priorities (${name})`);
  }

  #cannot(what: string, instead = ""): TrunklineError {
    return systemError("UNIMPLEMENTED", `a ring in a file has not: ${what}`, {
      executed: "no",
      endpoint: this.address,
      advice: `${instead}use file:./data, a broker in a folder, which has`,
    });
  }

  #refuseClosed(): void {
    if (!this.#closed) return;
    throw systemError("UNAVAILABLE", "the broker was closed", {
      executed: "no",
      endpoint: this.address,
    });
  }
}
