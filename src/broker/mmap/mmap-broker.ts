import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { TrunklineError } from "../../base/error.ts";
import type { Addon } from "../../os/addon.ts";
import type {
  BrokerCapabilities,
  Consumer,
  Delivery,
  Drift,
  Lag,
  Outgoing,
  Receipt,
  Subscription,
} from "../broker.ts";
import type { Channel } from "../channel.ts";
import type { Envelope } from "../envelope.ts";
import { ModestBroker } from "../modest-broker.ts";
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

/** How often, in milliseconds, is looked whether somebody else has made a file. */
const makingMs = 4;

/** A user of rings in files whose paths have one beginning. */
export class MmapBroker extends ModestBroker {
  readonly name = "mmap";
  readonly #terms: MmapTerms;
  readonly #writers = new Map<string, RingFileWriter>();
  readonly #consumers = new Set<MmapConsumer>();

  constructor(terms: MmapTerms) {
    super({
      address: terms.place.text,
      capabilities: terms.capabilities,
      has: "a ring in a file has",
      more: "use file:./data, a broker in a folder, which has",
    });
    this.#terms = terms;
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    this.refuseClosed();
    for (const channel of channels) this.refuseMore(channel);
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
    this.refuseClosed();
    const outcomes: (Receipt | TrunklineError)[] = [];
    const byChannel = new Map<string, number[]>();
    for (const [index, message] of messages.entries()) {
      const refused = this.refusal(message);
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
    this.refuseClosed();
    const { channel, prefetch } = subscription;
    this.refuseMore(channel);
    const { name } = channel;
    const { os, env } = this.#terms;
    const file = await this.#made(name);
    if (this.closed) file.close(); // while somebody else made it
    this.refuseClosed();
    const open = (): RingFile | undefined => this.#openOrMake(name);
    const closed = (): boolean => this.#consumers.delete(consumer);
    const consumer = new MmapConsumer({ os, name, file, open, closed, env }, prefetch, deliver);
    this.#consumers.add(consumer);
    return consumer;
  }

  override async browse(
    { name }: Channel,
    _group: string | undefined,
    limit: number,
  ): Promise<readonly Envelope[]> {
    return (await this.#waiting(name, limit)).envelopes;
  }

  override async lag({ name }: Channel): Promise<Lag> {
    const { count, there } = await this.#waiting(name, 0);
    return { waiting: count, shards: there ? [{ shard: name, waiting: count }] : [] };
  }

  protected async leave(): Promise<void> {
    await Promise.all([...this.#consumers].map((each) => each.close()));
    await Promise.all([...this.#writers.values()].map((each) => each.close()));
    this.#writers.clear();
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
    this.refuseClosed();
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

  protected override refuseMore(channel: Channel): void {
    super.refuseMore(channel);
    if (channel.lengthMax !== undefined)
      throw this.cannot(`a bound in messages (${channel.name}): the bytes of the ring are one`);
  }
}
