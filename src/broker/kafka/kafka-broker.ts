import { systemError, type TrunklineError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
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
import type { Cluster } from "./cluster.ts";
import { KafkaConsumer } from "./consumer.ts";
import { translated } from "./errors.ts";
import { browseGroup, lagOf, resetGroup, type GroupPlace } from "./groups.ts";
import { partitionOf } from "./partition-of.ts";
import { Producer } from "./producer.ts";
import { positionOf, writeRecord, type WrittenRecord } from "./record.ts";
import { openReplyBox, parseReplyAddress, replyMs, replyPartitions } from "./replies.ts";
import { checkChannel, groupIdOf, redriveOf, Topics } from "./topics.ts";
import { Transactions, type Placed } from "./transactions.ts";

/** So many messages without key go to one partition before the next one has its turn: fuller batches, and still an even share. */
const runMax = 64;

/** A cluster of Kafka as a broker. */
export class KafkaBroker implements Broker {
  readonly name = "kafka";
  readonly address: string;
  readonly capabilities: BrokerCapabilities;
  readonly #cluster: Cluster;
  readonly #topics: Topics;
  readonly #producer: Producer;
  readonly #replyTopic: string;
  readonly #open: Set<{ close(): Promise<void> }> = new Set();
  /** Messages are put in line in the order in which they were given, whoever has to ask for a topic first. */
  #line: Promise<unknown> = Promise.resolve();
  #turn = 0;
  #closing: Promise<void> | undefined;

  constructor(cluster: Cluster, capabilities: BrokerCapabilities, replyTopic: string) {
    this.#cluster = cluster;
    this.address = cluster.address;
    this.capabilities = capabilities;
    this.#topics = new Topics(cluster, capabilities.bytesMax);
    this.#producer = new Producer(cluster);
    this.#replyTopic = replyTopic;
  }

  declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    return this.#topics.declare(channels);
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    this.#check();
    const line = this.#line.then(() => this.#enqueue(messages));
    this.#line = line.catch(() => {});
    return Promise.all(await line);
  }

  /** Puts messages in line; the promises in the result are settled when they are there. */
  async #enqueue(
    messages: readonly Outgoing[],
  ): Promise<readonly Promise<Receipt | TrunklineError>[]> {
    const under: Promise<Receipt | TrunklineError>[] = [];
    // What has no key and comes together goes together, and what comes next goes elsewhere.
    this.#turn = Math.ceil(this.#turn / runMax) * runMax;
    for (const message of messages) {
      let placed: Placed;
      try {
        placed = await this.#place(message);
      } catch (error) {
        under.push(Promise.resolve(translated(error, `${this.address}: publishing`, "no")));
        continue;
      }
      await this.#producer.room();
      under.push(this.#send(placed));
    }
    return under;
  }

  async #send({ topic, partition, record }: Placed): Promise<Receipt | TrunklineError> {
    try {
      const offset = await this.#producer.send(topic, partition, record);
      const enqueued = (await this.#topics.replicated(topic)) ? "replicated" : "stored";
      if (offset === undefined) return { enqueued };
      return { enqueued, position: positionOf({ topic, partition, offset }) };
    } catch (error) {
      return translated(error, `${this.address}: publishing`, "maybe");
    }
  }

  /** Finds the partition of a message. */
  async #place({ channel, envelope, to, notBefore, priority = 0 }: Outgoing): Promise<Placed> {
    if (notBefore !== undefined || priority !== 0)
      throw systemError(
        "UNIMPLEMENTED",
        `${channel.name}: Kafka has no ${notBefore === undefined ? "priorities" : "delayed messages"}`,
        { executed: "no" },
      );
    const record = writeRecord(envelope, channel.compacted);
    this.#measure(channel, record);
    const topic = to === undefined ? channel.name : redriveOf(channel, to);
    let leaders = (this.#cluster.known(topic) ?? (await this.#cluster.topic(topic)))?.leaders;
    if (leaders === undefined && to !== undefined) {
      await this.#topics.make(channel, topic);
      leaders = (await this.#cluster.topic(topic))?.leaders;
    }
    if (leaders === undefined)
      throw systemError("UNAVAILABLE", `there is no topic ${topic}`, {
        executed: "no",
        advice: "declare the channel first",
      });
    const key = shardKeyOf(envelope);
    const partition =
      key === undefined
        ? Math.floor(this.#turn++ / runMax) % leaders.length
        : partitionOf(record.key!, leaders.length);
    return { topic, partition, record };
  }

  #measure(channel: Channel, { key, value, headers }: WrittenRecord): void {
    let bytes = (key?.length ?? 0) + (value?.length ?? 0);
    for (const [name, text] of headers) bytes += name.length + text.length;
    const { bytesMax } = this.capabilities;
    if (bytes > bytesMax)
      throw systemError(
        "INVALID_ARGUMENT",
        `the message has ${bytes} bytes, more than the ${bytesMax} of ${channel.name}`,
        { executed: "no", advice: "send less, or where it is to be found" },
      );
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.#check();
    const { channel, group, exclusive = false } = subscription;
    checkChannel(channel, this.#cluster.size);
    const alone = channel.shape === "topic" && group === undefined;
    const groupId = alone ? undefined : groupIdOf(channel, group);
    await this.#topics.make(channel);
    const redrive = redriveOf(channel, group);
    const id = uuidv7(this.#cluster.env);
    let exclusiveBy: string | undefined;
    if (exclusive && groupId !== undefined) {
      exclusiveBy = `${groupId}.exclusive`;
      await this.#topics.make(channel, redrive);
      await this.#topics.create(exclusiveBy, 1, -1, {});
    }
    let transactions: Transactions | undefined;
    const consumer = new KafkaConsumer(
      this.#cluster,
      {
        subscription,
        topics: groupId === undefined ? [channel.name] : [channel.name, redrive],
        groupId,
        exclusiveBy,
        purpose: id,
        place: (outputs) => Promise.all(outputs.map((each) => this.#place(each))),
        transactions: () =>
          (transactions ??= new Transactions(
            this.#cluster,
            `${groupId}.${id}`,
            `transactions ${id}`,
          )),
      },
      deliver,
    );
    const close = async (): Promise<void> => {
      await consumer.close();
      await this.#cluster.leave(`transactions ${id}`);
      this.#open.delete(consumer);
    };
    this.#open.add(consumer);
    try {
      await consumer.open();
    } catch (error) {
      await close();
      throw error;
    }
    return {
      get shards() {
        return consumer.shards;
      },
      pause: () => consumer.pause(),
      resume: () => consumer.resume(),
      close,
    };
  }

  async replies(terms: ReplyTerms, heard: (envelope: Envelope) => void): Promise<ReplyBox> {
    this.#check();
    const settings = { "retention.ms": `${replyMs}` };
    await this.#topics.create(this.#replyTopic, replyPartitions, -1, settings);
    const box = await openReplyBox(this.#cluster, this.#replyTopic, terms, heard);
    this.#open.add(box);
    const close = async (): Promise<void> => {
      this.#open.delete(box);
      await box.close();
    };
    return { address: box.address, close, [Symbol.asyncDispose]: close };
  }

  async reply(to: string, envelope: Envelope): Promise<void> {
    this.#check();
    const { topic, partition, box } = parseReplyAddress(to);
    const record = { ...writeRecord(envelope, false), key: Buffer.from(box) };
    await this.#producer.room();
    await this.#producer.send(topic, partition, record);
  }

  browse(channel: Channel, group: string | undefined, limit: number): Promise<readonly Envelope[]> {
    return browseGroup(this.#cluster, placeOf(channel, group), limit);
  }

  lag(channel: Channel, group: string | undefined): Promise<Lag> {
    return lagOf(this.#cluster, placeOf(channel, group));
  }

  reset(channel: Channel, group: string, to: StartAt): Promise<void> {
    return resetGroup(this.#cluster, groupIdOf(channel, group), channel.name, to);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#open].map((each) => each.close()));
    await this.#line;
    await this.#producer.idle();
    await this.#cluster.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(): void {
    if (this.#closing !== undefined)
      throw systemError("UNAVAILABLE", `the broker ${this.address} is closed`, { executed: "no" });
  }
}

function placeOf(channel: Channel, group: string | undefined): GroupPlace {
  return {
    groupId: groupIdOf(channel, group),
    topics: [channel.name, redriveOf(channel, group)],
    from: channel.shape === "queue" ? "first" : "new",
  };
}
