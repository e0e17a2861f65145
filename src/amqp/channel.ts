import type { Act } from "../broker/embedded/access/grants.ts";
import type { Storage } from "../broker/embedded/storage.ts";
import type { VirtualHost } from "../broker/embedded/virtual-host.ts";
import type { ByteReader } from "../wire/amqp091/byte-reader.ts";
import { methodName, readFields, type Fields, type MethodName } from "../wire/amqp091/method.ts";
import { methods } from "../wire/amqp091/methods.ts";
import type { PropertyScan } from "../wire/amqp091/property-scan.ts";
import type { Bounds } from "./bounds.ts";
import { Consuming, type ConsumingKeeper } from "./consuming.ts";
import type { Unfinished } from "./content.ts";
import { exchangeMethods } from "./exchanges.ts";
import { Fault } from "./fault.ts";
import type { Outlet } from "./outlet.ts";
import { Publishing, type PublishingKeeper } from "./publishing.ts";
import { queueMethods } from "./queues.ts";
import type { Transaction } from "./transaction.ts";

/** What a channel asks of its connection. */
export interface ChannelKeeper {
  readonly host: VirtualHost;
  readonly storage: Storage;
  readonly bounds: Bounds;
  readonly outlet: Outlet;
  readonly user: string;
  readonly impersonator: boolean;
  readonly id: string;
  readonly notified: boolean;
  readonly unfinished: Unfinished;
  readonly scan: PropertyScan;
  wall(): number;
  check(act: Act, kind: "exchange" | "queue", name: string): void;
  checkTopic(act: "write" | "read", exchange: string, routingKey: string): void;
  checkQueueQuota(name: string): void;
  hold(work: Promise<unknown>, channel: number): void;
  /** This channel has confirms to send, as soon as what they are about is safe. */
  confirming(channel: Channel): void;
  /** A message is about to come: it may be too much, and has to wait then. */
  publishing(): void;
  /** The client has closed this channel. */
  left(channel: Channel): void;
}

const declaring = { ...exchangeMethods, ...queueMethods } as Readonly<
  Record<string, ((channel: Channel, fields: unknown) => void) | undefined>
>;

const publishId = methods["basic.publish"].id;
const ackId = methods["basic.ack"].id;
const multipleBit = 1;

/** One channel of a connection. */
export class Channel implements PublishingKeeper, ConsumingKeeper {
  readonly channel: number;
  lastQueue = "";
  /** It was told that it is closed, and has not said that it knows. */
  closing = false;
  readonly #keeper: ChannelKeeper;
  readonly publishing: Publishing;
  readonly consuming: Consuming;

  constructor(channel: number, keeper: ChannelKeeper) {
    this.channel = channel;
    this.#keeper = keeper;
    this.publishing = new Publishing(this);
    this.consuming = new Consuming(this);
  }

  get host(): VirtualHost {
    return this.#keeper.host;
  }

  get storage(): Storage {
    return this.#keeper.storage;
  }

  get bounds(): Bounds {
    return this.#keeper.bounds;
  }

  get outlet(): Outlet {
    return this.#keeper.outlet;
  }

  get user(): string {
    return this.#keeper.user;
  }

  get impersonator(): boolean {
    return this.#keeper.impersonator;
  }

  get owner(): string {
    return this.#keeper.id;
  }

  get notified(): boolean {
    return this.#keeper.notified;
  }

  get unfinished(): Unfinished {
    return this.#keeper.unfinished;
  }

  get scan(): PropertyScan {
    return this.#keeper.scan;
  }

  get transaction(): Transaction | undefined {
    return this.publishing.transaction;
  }

  get replyQueue(): string | undefined {
    return this.consuming.replyQueue;
  }

  wall(): number {
    return this.#keeper.wall();
  }

  check(act: Act, kind: "exchange" | "queue", name: string): void {
    this.#keeper.check(act, kind, name);
  }

  checkTopic(act: "write" | "read", exchange: string, routingKey: string): void {
    this.#keeper.checkTopic(act, exchange, routingKey);
  }

  checkQueueQuota(name: string): void {
    this.#keeper.checkQueueQuota(name);
  }

  reply<Name extends MethodName>(name: Name, fields: Fields<Name>): void {
    if (!this.closing) this.outlet.method(this.channel, name, fields);
  }

  replySafely<Name extends MethodName>(name: Name, fields: Fields<Name>): void {
    const { storage } = this;
    this.hold(storage.until(storage.batch).then(() => this.reply(name, fields)));
  }

  hold(work: Promise<unknown>): void {
    this.#keeper.hold(work, this.channel);
  }

  published(): void {
    if (this.publishing.confirms !== undefined) this.#keeper.confirming(this);
  }

  /** Takes a method, of which the reader stands behind the number. @throws Fault */
  method(id: number, reader: ByteReader): void {
    if (this.closing) return this.#afterClosing(id);
    if (this.publishing.unfinished)
      throw new Fault(
        "UNEXPECTED_FRAME",
        "a method came where the content of a message was expected",
      );
    if (id === publishId) {
      this.#keeper.publishing();
      return this.publishing.begin(reader);
    }
    if (id === ackId) {
      const tag = reader.longlong();
      return this.consuming.settle(tag, (reader.octet() & multipleBit) !== 0, "ack");
    }
    const name = methodName(id);
    if (name === undefined) throw unknownMethod(id);
    const fields = readFields(reader, name);
    const declare = declaring[name];
    if (declare !== undefined) declare(this, fields);
    else this.#method(name, fields);
  }

  header(reader: ByteReader): void {
    if (!this.closing) this.publishing.header(reader);
  }

  body(memory: Buffer, from: number, to: number): void {
    if (!this.closing) this.publishing.body(memory, from, to);
  }

  /** Nothing more is done for it: what it consumes goes to others. */
  close(): void {
    this.closing = true;
    // What was settled and not committed is not settled.
    if (this.transaction !== undefined) this.consuming.rollback(this.#ended().settlings);
    this.publishing.close();
    this.consuming.close();
  }

  /** What comes before the client has read that its channel is closed is of no account. */
  #afterClosing(id: number): void {
    if (id === methods["channel.close"].id)
      this.outlet.method(this.channel, "channel.close-ok", {});
    else if (id !== methods["channel.close-ok"].id) return;
    this.#keeper.left(this);
  }

  #method(name: MethodName, fields: unknown): void {
    const { consuming, publishing } = this;
    switch (name) {
      case "basic.nack": {
        const { deliveryTag, multiple, requeue } = fields as Fields<"basic.nack">;
        return consuming.settle(deliveryTag, multiple, requeue ? "release" : "reject");
      }
      case "basic.reject": {
        const { deliveryTag, requeue } = fields as Fields<"basic.reject">;
        return consuming.settle(deliveryTag, false, requeue ? "release" : "reject");
      }
      case "basic.get":
        return this.hold(consuming.get(fields as Fields<"basic.get">));
      case "basic.consume":
        return consuming.consume(fields as Fields<"basic.consume">);
      case "basic.cancel":
        return consuming.cancel(fields as Fields<"basic.cancel">);
      case "basic.qos":
        return consuming.qos(fields as Fields<"basic.qos">);
      case "basic.recover":
      case "basic.recover-async":
        return this.#recover(name, fields as Fields<"basic.recover">);
      case "confirm.select":
        publishing.selectConfirms();
        if (!(fields as Fields<"confirm.select">).nowait) this.reply("confirm.select-ok", {});
        return;
      case "tx.select":
        publishing.selectTransactions();
        return this.reply("tx.select-ok", {});
      case "tx.commit":
        return this.#commit();
      case "tx.rollback":
        return this.#rollback();
      case "channel.open":
        throw new Fault("CHANNEL_ERROR", "second 'channel.open' seen");
      case "channel.close":
        this.close();
        this.outlet.method(this.channel, "channel.close-ok", {});
        return this.#keeper.left(this);
      case "channel.flow": {
        const { active } = fields as Fields<"channel.flow">;
        if (!active) throw new Fault("NOT_IMPLEMENTED", "active=false");
        return this.reply("channel.flow-ok", { active });
      }
      case "channel.close-ok":
        // Both sides have closed it at once; or it is one too many, which does no harm.
        return;
      case "access.request":
        return this.reply("access.request-ok", { ticket: 1 });
      default:
        throw new Fault("COMMAND_INVALID", `${name} is not for a channel, or not for a server`);
    }
  }

  #recover(
    name: "basic.recover" | "basic.recover-async",
    { requeue }: { readonly requeue: boolean },
  ): void {
    if (!requeue) throw new Fault("NOT_IMPLEMENTED", "requeue=false");
    this.consuming.recover();
    if (name === "basic.recover") this.reply("basic.recover-ok", {});
  }

  /** In one turn, so that it is one change on disk. */
  #commit(): void {
    const { publications, settlings } = this.#ended();
    // All of it or nothing: an exchange may have gone since.
    for (const { message } of publications) this.host.topology.checkPublish(message.exchange);
    for (const publication of publications) this.publishing.send(publication);
    this.consuming.commit(settlings);
    this.replySafely("tx.commit-ok", {});
  }

  #rollback(): void {
    this.consuming.rollback(this.#ended().settlings);
    this.reply("tx.rollback-ok", {});
  }

  #ended(): ReturnType<Transaction["end"]> {
    const { transaction } = this;
    if (transaction === undefined)
      throw new Fault("PRECONDITION_FAILED", "channel is not transactional");
    return transaction.end();
  }
}

function unknownMethod(id: number): Fault {
  return new Fault("COMMAND_INVALID", `unknown method {${id >>> 16},${id & 0xffff}}`);
}
