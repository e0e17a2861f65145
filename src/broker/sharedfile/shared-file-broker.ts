import { systemError, isTrunklineError, type TrunklineError } from "../../base/error.ts";
import type { Env } from "../../base/env.ts";
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
  ReplyTerms,
  StartAt,
  Subscription,
} from "../broker.ts";
import type { Channel } from "../channel.ts";
import { shardKeyOf, type Envelope } from "../envelope.ts";
import { shardOf } from "../shard-of.ts";
import type { SharedFileAddress } from "./address.ts";
import { ChannelFolder } from "./channel-folder.ts";
import type { Claimant } from "./claimant.ts";
import { fileError } from "./failure.ts";
import { GroupConsumer } from "./group-consumer.ts";
import { writeLine } from "./line.ts";
import { lineBytesMax } from "./log-reader.ts";
import { browsed, lagOf, resetTo } from "./looking.ts";
import type { Folder } from "./place.ts";
import { ReplyBoxes } from "./reply-boxes.ts";
import { Writers } from "./writers.ts";

export interface SharedFileTerms {
  readonly address: SharedFileAddress;
  readonly folder: Folder;
  readonly claimant: Claimant;
  readonly capabilities: BrokerCapabilities;
  readonly name: string;
  readonly waitMs: number;
  readonly env: Env;
}

/** A user of a shared folder. */
export class SharedFileBroker implements Broker {
  readonly name = "sharedfile";
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  readonly #terms: SharedFileTerms;
  readonly #writers: Writers;
  readonly #boxes: ReplyBoxes;
  readonly #consumers = new Set<GroupConsumer>();
  readonly #channels = new Map<string, ChannelFolder>();
  /** Messages take their places in the order of the calls. */
  #line: Promise<unknown> = Promise.resolve();
  /** What `close` waits for: what is opened in between is closed too, and its claims are given back. */
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(terms: SharedFileTerms) {
    this.#terms = terms;
    this.address = terms.address.text;
    this.capabilities = terms.capabilities;
    this.#writers = new Writers(terms);
    this.#boxes = new ReplyBoxes(terms, this.#writers);
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    this.#refuseClosed();
    for (const channel of channels) this.#refuseMore(channel);
    return this.#waitedFor(this.#declare(channels));
  }

  async #declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    const drifts: Drift[] = [];
    for (const channel of channels) drifts.push(...(await this.#declared(channel)).drifts);
    return drifts;
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    this.#refuseClosed();
    const line = this.#line.then(() => this.#enqueue(messages));
    this.#line = line.catch(() => {});
    return Promise.all(await line);
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.#refuseClosed();
    this.#refuseMore(subscription.channel);
    const consumer = await this.#waitedFor(this.#consume(subscription, deliver));
    this.#refuseClosed();
    return consumer;
  }

  async #consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    const { channel, group, from } = subscription;
    const { claimant, waitMs, name, address, env } = this.#terms;
    const { told } = this.#terms.folder;
    const { folder } = await this.#declared(channel);
    const alone = group === undefined && folder.layout.shape === "topic";
    const begin = folder.layout.shape === "queue" ? "first" : (from ?? "new");
    const consumer = await GroupConsumer.open(
      {
        channel: folder,
        folder: alone ? undefined : await folder.placeGroup(group, begin, claimant, waitMs),
        ...{ subscription, name, told, env, synced: address.synced },
        closed: (each) => this.#consumers.delete(each),
      },
      deliver,
    );
    this.#consumers.add(consumer);
    return consumer;
  }

  async replies(terms: ReplyTerms, heard: (envelope: Envelope) => void): Promise<ReplyBox> {
    this.#refuseClosed();
    const box = await this.#waitedFor(this.#boxes.open(terms, heard));
    this.#refuseClosed();
    return box;
  }

  async reply(to: string, envelope: Envelope): Promise<void> {
    this.#refuseClosed();
    await this.#boxes.send(to, envelope);
  }

  async browse(
    channel: Channel,
    group: string | undefined,
    limit: number,
  ): Promise<readonly Envelope[]> {
    const found = await this.#find(channel.name);
    return found === undefined ? [] : browsed(found, group, limit, this.#terms.env);
  }

  async lag(channel: Channel, group: string | undefined): Promise<Lag> {
    const found = await this.#find(channel.name);
    if (found === undefined) return { waiting: 0, shards: [] };
    return lagOf(found, group, this.#terms.env);
  }

  async reset(channel: Channel, group: string, to: StartAt): Promise<void> {
    this.#refuseClosed();
    await this.#waitedFor(this.#reset(channel, group, to));
  }

  async #reset(channel: Channel, group: string, to: StartAt): Promise<void> {
    const { claimant, waitMs } = this.#terms;
    const { folder } = await this.#declared(channel);
    await folder.placeGroup(group, to, claimant, waitMs);
    await resetTo(folder, group, to, claimant);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#closed = true;
    await this.#line;
    await Promise.allSettled(this.#underWay);
    await Promise.all([...this.#consumers].map((each) => each.close()));
    await this.#boxes.close();
    await this.#writers.idle();
    const { claimant, folder } = this.#terms;
    // Who left his file behind on another host, and has not beaten since this one came, is removed.
    await claimant.others(folder.writers).catch(() => {});
    await claimant.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #waitedFor<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /** Puts messages in line; the promises in the result are settled when they are there. */
  async #enqueue(
    messages: readonly Outgoing[],
  ): Promise<readonly Promise<Receipt | TrunklineError>[]> {
    const under: Promise<Receipt | TrunklineError>[] = [];
    for (const message of messages) {
      try {
        const { outcome } = await this.#place(message);
        under.push(outcome);
      } catch (error) {
        under.push(Promise.resolve(fileError(error, this.address, "no")));
      }
    }
    return under;
  }

  /** Resolves when the message is in line, with what comes of it. */
  async #place(
    message: Outgoing,
  ): Promise<{ readonly outcome: Promise<Receipt | TrunklineError> }> {
    const { channel, envelope, to, notBefore, priority = 0 } = message;
    if (notBefore !== undefined) throw this.#cannot("that a message is held back");
    if (priority !== 0) throw this.#cannot("priorities");
    const bytes = this.#written({ envelope, to });
    const folder = await this.#known(channel);
    const { logs, name } = folder.layout;
    const log = shardOf(shardKeyOf(envelope), logs);
    const writer = this.#writers.of(folder, log);
    await writer.room();
    const outcome = writer.append(bytes).then((at): Receipt | TrunklineError => {
      if (!isTrunklineError(at))
        return { enqueued: "stored", position: `${folder.shard(log)}@${at}` };
      // Somebody may have removed its folder: it is looked for again.
      this.#channels.delete(name);
      return at;
    });
    return { outcome };
  }

  #written(line: Parameters<typeof writeLine>[0]): Buffer {
    const { data, attributes } = line.envelope;
    let bytes = data.byteLength;
    for (const [name, text] of Object.entries(attributes)) bytes += name.length + text.length;
    const { bytesMax } = this.capabilities;
    const written = bytes > bytesMax ? undefined : writeLine(line);
    if (written !== undefined && written.length <= lineBytesMax) return written;
    throw systemError(
      "INVALID_ARGUMENT",
      `the message has ${bytes} bytes, and one of a shared file at most ${bytesMax}`,
      {
        executed: "no",
        endpoint: this.address,
        advice: "send less, or where it is to be found",
      },
    );
  }

  /** The folder of a channel that is there; where it need not be, it is made. */
  async #known(channel: Channel): Promise<ChannelFolder> {
    const found = await this.#find(channel.name);
    if (found !== undefined) return found;
    if (!channel.mandatory) return (await this.#declared(channel)).folder;
    throw systemError("UNAVAILABLE", `there is no queue ${channel.name}`, {
      executed: "no",
      endpoint: this.address,
      advice: "declare the channel first, or start who consumes it",
    });
  }

  async #find(name: string): Promise<ChannelFolder | undefined> {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const { folder, env } = this.#terms;
    const found = await ChannelFolder.find(folder.channels, name, env);
    if (found !== undefined) this.#channels.set(name, found);
    return found;
  }

  async #declared(channel: Channel): ReturnType<typeof ChannelFolder.declare> {
    const { folder, claimant, waitMs, env } = this.#terms;
    try {
      const made = await ChannelFolder.declare(folder.channels, channel, claimant, waitMs, env);
      this.#channels.set(channel.name, made.folder);
      return made;
    } catch (error) {
      throw fileError(error, this.address, "no");
    }
  }

  #refuseMore(channel: Channel): void {
    const { receipts, guarantees } = this.capabilities;
    const { name, enqueued, guarantee, priorityMax, compacted, lengthMax } = channel;
    if (enqueued !== undefined && !receipts.includes(enqueued))
      throw this.#cannot(`receipts that mean "${enqueued}" (${name})`);
    if (!guarantees.includes(guarantee)) throw this.#cannot(`${guarantee} (${name})`);
    if (priorityMax > 0) throw this.#cannot(`priorities (${name})`);
    if (compacted) throw this.#cannot(`that of each key the last is kept (${name})`);
    if (lengthMax !== undefined)
      throw this.#cannot(`a length in messages, but in bytes: ?logBytes=… (${name})`);
  }

  #cannot(what: string): TrunklineError {
    return systemError("UNIMPLEMENTED", `shared files have not: ${what}`, {
      executed: "no",
      endpoint: this.address,
      advice: "use file:./data, a broker in a folder, which has more",
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
