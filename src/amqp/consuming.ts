import type { Handed, LogStart } from "../broker/embedded/consumer.ts";
import { called } from "../broker/embedded/routing/refusals.ts";
import { ageMs } from "../broker/embedded/policy/settings.ts";
import { Refusal } from "../broker/embedded/refusal.ts";
import type { AnyQueue, Taken } from "../broker/embedded/any-queue.ts";
import type { FieldValue, Table } from "../broker/embedded/terms.ts";
import { secretBytes } from "../base/secret.ts";
import type { Fields } from "../wire/amqp091/method.ts";
import { reviseHeaders } from "../wire/amqp091/properties.ts";
import { Consumer, type ConsumerKeeper, type Stamp } from "./consumer.ts";
import { Fault } from "./fault.ts";
import { own, queueName } from "./queues.ts";
import { checkReplyConsumer, makeReplyQueue, replyQueue } from "./reply-queue.ts";
import type { Session } from "./session.ts";
import type { Settlement, Settling, Transaction } from "./transaction.ts";
import { Unsettled, type Held } from "./unsettled.ts";

/** What consuming asks of the channel. */
export interface ConsumingKeeper extends Session {
  /** The client wants to be told that its consumer has none any more. */
  readonly notified: boolean;
  /** It is closed: nothing more is given to it. */
  readonly closing: boolean;
  /** What settlements wait for; undefined: they do not. */
  readonly transaction: Transaction | undefined;
}

/** What one channel consumes, and what it has not settled. */
export class Consuming implements ConsumerKeeper {
  /** The queue that stands for the direct replies of this channel. */
  replyQueue: string | undefined;
  readonly unsettled: Unsettled = new Unsettled();
  readonly #of: ConsumingKeeper;
  readonly #consumers = new Map<string, Consumer>();
  /** Consumers that were cancelled, and have messages that are not settled. */
  readonly #retired = new Set<Consumer>();
  /** For consumers to come; 0: any number. */
  #prefetch = 0;
  /** For all of the channel together; 0: any number. */
  #prefetchShared = 0;
  /** Deliveries to consumers that are not settled. */
  #delivered = 0;
  /** Several are being settled: nothing is delivered before all are, so that what goes back keeps its order. */
  #settling = false;

  constructor(of: ConsumingKeeper) {
    this.#of = of;
  }

  get consumers(): Iterable<Consumer> {
    return this.#consumers.values();
  }

  get prefetch(): number {
    return this.#prefetchShared || this.#prefetch;
  }

  /** As it was asked for, for each consumer and for all together. */
  get prefetches(): { readonly each: number; readonly all: number } {
    return { each: this.#prefetch, all: this.#prefetchShared };
  }

  qos({ prefetchSize, prefetchCount, global }: Fields<"basic.qos">): void {
    if (prefetchSize !== 0)
      throw new Fault("NOT_IMPLEMENTED", `prefetch_size!=0 (${prefetchSize})`);
    if (global) this.#prefetchShared = prefetchCount;
    else this.#prefetch = prefetchCount;
    this.#of.reply("basic.qos-ok", {});
    this.wake();
  }

  consume(fields: Fields<"basic.consume">): void {
    const { noAck, exclusive, nowait, consumerTag, arguments: table } = fields;
    const of = this.#of;
    const tag = consumerTag === "" ? newTag() : consumerTag;
    if (this.#consumers.has(tag))
      throw new Fault("NOT_ALLOWED", `attempt to reuse consumer tag '${tag}'`);
    if (this.#consumers.size >= of.bounds.consumersMax)
      throw new Fault(
        "PRECONDITION_FAILED",
        `a channel has ${of.bounds.consumersMax} consumers at most`,
      );
    const name = fields.queue === replyQueue ? this.#answers(noAck) : queueName(of, fields.queue);
    const queue = of.host.known(name);
    if (fields.queue !== replyQueue) of.check("read", "queue", name);
    own(of, queue);
    const options = { tag, user: of.user, noAck, exclusive, prefetch: this.#prefetch };
    const consumer = new Consumer(
      { ...options, priority: priorityOf(table), ...this.#kind(queue, fields) },
      this,
    );
    consumer.member = of.host.consume(name, consumer);
    this.#consumers.set(tag, consumer);
    if (!nowait) of.reply("basic.consume-ok", { consumerTag: tag });
    consumer.begun = true;
    consumer.member.wake();
  }

  cancel({ consumerTag, nowait }: Fields<"basic.cancel">): void {
    const consumer = this.#consumers.get(consumerTag);
    this.#consumers.delete(consumerTag);
    if (consumer !== undefined) {
      consumer.begun = false;
      if (consumer.unsettled > 0) this.#retired.add(consumer);
      consumer.member.retire();
      this.#forgetReplies();
    }
    if (!nowait) this.#of.reply("basic.cancel-ok", { consumerTag });
  }

  /** Gives one message to who asks for it. */
  async get({ queue: given, noAck }: Fields<"basic.get">): Promise<void> {
    const of = this.#of;
    const name = queueName(of, given);
    of.check("read", "queue", name);
    const queue = of.host.known(name);
    own(of, queue);
    if (queue.terms.kind === "log")
      throw new Fault(
        "NOT_IMPLEMENTED",
        `basic.get not supported by stream queues ${called("queue", name, of.host.name)}`,
      );
    const taken = await of.host.take(name);
    // It may have been closed while the disk was asked.
    if (of.closing) taken?.by.release(taken.handed, undefined, false);
    else if (taken === undefined) of.reply("basic.get-empty", { clusterId: "" });
    else this.#give(taken, noAck);
  }

  settle(tag: number, multiple: boolean, how: Settlement): void {
    const { unsettled } = this;
    if (!multiple || tag !== 0) {
      if (!unsettled.has(tag))
        throw new Fault("PRECONDITION_FAILED", `unknown delivery tag ${tag}`);
    }
    // What the consumers of a channel have room for together goes to each in turn, not to whoever has settled.
    if (!multiple && this.#prefetchShared === 0)
      return this.#settleOne(tag, unsettled.take(tag)!, how);
    this.#together(() => {
      if (multiple) this.#settleUpTo(tag === 0 ? Infinity : tag, how);
      else this.#settleOne(tag, unsettled.take(tag)!, how);
    });
  }

  /** Gives all that is unsettled back to where it came from. */
  recover(): void {
    this.#together(() => {
      for (const [, held] of this.unsettled.takeUpTo(Infinity)) this.#apply(held, "release");
    });
  }

  /** Does what waited for a commit. */
  commit(settlings: readonly Settling[]): void {
    for (const { held, how } of settlings) this.#apply(held, how);
  }

  /** What waited for a commit is unsettled again. */
  rollback(settlings: readonly Settling[]): void {
    for (const { tag, held } of settlings.toReversed()) this.unsettled.restore(tag, held);
  }

  room(): number {
    const { outlet, bounds } = this.#of;
    if (outlet.full || this.#settling) return 0;
    const most = bounds.unsettledMax - this.unsettled.count;
    if (this.#prefetchShared === 0) return most;
    return Math.min(most, this.#prefetchShared - this.#delivered);
  }

  deliver(consumer: Consumer, handed: Handed): void {
    const { outlet, channel } = this.#of;
    const { message, redelivered } = handed;
    let tag: number;
    if (consumer.noAck) tag = this.unsettled.skip();
    else {
      tag = this.unsettled.add({ handed, by: consumer.member, consumer });
      consumer.unsettled++;
      this.#delivered++;
    }
    const properties =
      consumer.stamp === undefined ? message.properties : stamped(consumer.stamp, handed);
    outlet.deliver(channel, consumer.tag, tag, redelivered, message, properties);
  }

  gone(consumer: Consumer): void {
    if (!this.#consumers.delete(consumer.tag)) return;
    this.#forgetReplies();
    const { notified, outlet, channel } = this.#of;
    if (notified)
      outlet.method(channel, "basic.cancel", { consumerTag: consumer.tag, nowait: true });
  }

  /** There is room again: for each in turn, beginning behind the one that began last. */
  wake(): void {
    const consumers = this.#consumers;
    if (this.#prefetchShared > 0)
      for (const [tag, consumer] of consumers) {
        consumers.delete(tag);
        consumers.set(tag, consumer);
        break;
      }
    for (const { member } of consumers.values()) member.wake();
  }

  /** Nothing more is delivered: what goes back must not come again here. */
  stop(): void {
    for (const consumer of this.#consumers.values()) consumer.begun = false;
  }

  /** The channel is gone: what is unsettled goes back. */
  close(): void {
    this.stop();
    const consumers = [...this.#consumers.values(), ...this.#retired];
    this.#consumers.clear();
    this.#retired.clear();
    for (const { member } of consumers) member.close();
    // What nobody consumes was asked for one by one.
    this.recover();
    if (this.replyQueue !== undefined) this.#of.host.deleteQueue(this.replyQueue);
  }

  #answers(noAck: boolean): string {
    checkReplyConsumer(noAck, this.replyQueue !== undefined);
    return (this.replyQueue = makeReplyQueue(this.#of));
  }

  /** The queue of direct replies goes with its consumer. */
  #forgetReplies(): void {
    if (this.replyQueue !== undefined && this.#of.host.queue(this.replyQueue) === undefined)
      this.replyQueue = undefined;
  }

  #kind(
    { name, terms }: AnyQueue,
    { noAck, arguments: table }: Fields<"basic.consume">,
  ): { readonly stamp: Stamp; readonly from: LogStart | undefined } {
    if (terms.kind !== "log") {
      const counted = terms.arguments["x-queue-type"] === "quorum";
      return { stamp: counted ? "count" : undefined, from: undefined };
    }
    const queue = called("queue", name, this.#of.host.name);
    if (noAck)
      throw new Fault(
        "NOT_IMPLEMENTED",
        `automatic acknowledgement not supported by stream ${queue}`,
      );
    if (this.#prefetch === 0)
      throw new Refusal(
        "precondition-failed",
        `consumer prefetch count is not set for stream ${queue}`,
      );
    return { stamp: "offset", from: startOf(table["x-stream-offset"], this.#of.wall()) };
  }

  #give({ handed, remaining, by }: Taken, noAck: boolean): void {
    const { outlet, channel } = this.#of;
    const { exchange, routingKey, properties, body } = handed.message;
    const deliveryTag = noAck
      ? this.unsettled.skip()
      : this.unsettled.add({ handed, by, consumer: undefined });
    const { redelivered } = handed;
    const fields = { deliveryTag, redelivered, exchange, routingKey, messageCount: remaining };
    outlet.bearing(channel, "basic.get-ok", fields, properties, body);
    if (noAck) by.ack(handed);
  }

  #settleUpTo(tag: number, how: Settlement): void {
    for (const [each, held] of this.unsettled.takeUpTo(tag)) this.#settleOne(each, held, how);
  }

  /** Settles several before anything is delivered again. */
  #together(settle: () => void): void {
    this.#settling = true;
    try {
      settle();
    } finally {
      this.#settling = false;
    }
    this.wake();
  }

  #settleOne(tag: number, held: Held, how: Settlement): void {
    const { transaction } = this.#of;
    if (transaction === undefined) this.#apply(held, how);
    else transaction.settle({ tag, held, how });
  }

  #apply({ handed, by, consumer }: Held, how: Settlement): void {
    // Whoever had it has room for another one, before its queue looks who has.
    if (consumer !== undefined) {
      this.#delivered--;
      if (--consumer.unsettled === 0) this.#retired.delete(consumer);
    }
    if (how === "ack") by.ack(handed);
    else if (how === "release") by.release(handed);
    else by.reject(handed);
  }
}

function newTag(): string {
  return `amq.ctag-${Buffer.from(secretBytes(16)).toString("base64url")}`;
}

function priorityOf(table: Table): number {
  const priority = table["x-priority"];
  if (priority === undefined) return 0;
  if (typeof priority === "number" && Number.isInteger(priority)) return priority;
  throw new Fault("PRECONDITION_FAILED", "invalid arg 'x-priority' in 'basic.consume'");
}

function stamped(stamp: Exclude<Stamp, undefined>, { message, seq, attempt }: Handed): Uint8Array {
  if (stamp === "offset")
    return reviseHeaders(message.properties, { "x-stream-offset": BigInt(seq) });
  if (attempt === 1) return message.properties;
  return reviseHeaders(message.properties, { "x-delivery-count": BigInt(attempt - 1) });
}

/** Where a consumer of a stream begins, as `x-stream-offset` says it. */
function startOf(value: FieldValue, wallMs: number): LogStart {
  if (value === undefined || value === "next") return "next";
  if (value === "first" || value === "last") return value;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  if (value instanceof Date) return { time: value.getTime() };
  const ago = typeof value === "string" ? ageMs(value) : undefined;
  if (ago !== undefined) return { time: wallMs - ago };
  throw new Fault("PRECONDITION_FAILED", `invalid arg 'x-stream-offset' in 'basic.consume'`);
}
