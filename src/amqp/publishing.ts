import type { Message } from "../broker/embedded/message.ts";
import type { ByteReader } from "../wire/amqp091/byte-reader.ts";
import { replies } from "../wire/amqp091/methods.ts";
import type { PropertyScan } from "../wire/amqp091/property-scan.ts";
import { reviseProperties } from "../wire/amqp091/properties.ts";
import { Confirms } from "./confirms.ts";
import { Content, type Unfinished } from "./content.ts";
import { Fault } from "./fault.ts";
import { replyQueue } from "./reply-queue.ts";
import type { Session } from "./session.ts";
import { Transaction, type Publication } from "./transaction.ts";

/** What publishing asks of the channel. */
export interface PublishingKeeper extends Session {
  /** The queue that stands for the direct replies of this channel; undefined: it has none. */
  readonly replyQueue: string | undefined;
  /** May publish as if it were somebody else. */
  readonly impersonator: boolean;
  readonly unfinished: Unfinished;
  readonly scan: PropertyScan;
  /** A message was published: there may be something to confirm. */
  published(): void;
}

const mandatoryBit = 1;
const immediateBit = 2;

/** What one channel publishes. */
export class Publishing {
  confirms: Confirms | undefined;
  transaction: Transaction | undefined;
  readonly #of: PublishingKeeper;
  readonly #content: Content;
  /** Where the last message went: most publishers send one after the other to the same place. */
  #target: Buffer = Buffer.alloc(0);
  #exchange = "";
  #routingKey = "";
  #allowed = false;
  #mandatory = false;
  /** What belongs to a message is to come: its header, or its body. */
  #expects: "header" | "body" | undefined;

  constructor(of: PublishingKeeper) {
    this.#of = of;
    this.#content = new Content(of.bounds.messageBytesMax, of.unfinished, of.scan);
  }

  /** The content of a message has not come whole. */
  get unfinished(): boolean {
    return this.#expects !== undefined;
  }

  /** From now on each message is confirmed. @throws Fault in a channel with transactions. */
  selectConfirms(): void {
    if (this.transaction !== undefined)
      throw new Fault("PRECONDITION_FAILED", "cannot switch from tx to confirm mode");
    const { outlet, channel } = this.#of;
    this.confirms ??= new Confirms({
      acknowledge: (deliveryTag, multiple) =>
        outlet.method(channel, "basic.ack", { deliveryTag, multiple }),
      refuse: (deliveryTag) =>
        outlet.method(channel, "basic.nack", { deliveryTag, multiple: false, requeue: false }),
    });
  }

  /** From now on messages and settlements wait for a commit. @throws Fault in a channel with confirms. */
  selectTransactions(): void {
    if (this.confirms !== undefined)
      throw new Fault("PRECONDITION_FAILED", "cannot switch from confirm to tx mode");
    this.transaction ??= new Transaction(this.#of.bounds.transactionBytesMax);
  }

  /** Takes `basic.publish`, of which the reader stands behind the number. */
  begin(reader: ByteReader): void {
    reader.short();
    const from = reader.at;
    reader.skip(reader.octet());
    reader.skip(reader.octet());
    this.#aim(reader, from);
    const bits = reader.octet();
    if ((bits & immediateBit) !== 0) throw new Fault("NOT_IMPLEMENTED", "immediate=true");
    this.#mandatory = (bits & mandatoryBit) !== 0;
    this.#expects = "header";
  }

  header(reader: ByteReader): void {
    if (this.#expects !== "header") throw unexpected("header");
    // Whatever is wrong with it, it belongs to this message.
    this.#expects = undefined;
    if (this.#content.begin(reader)) this.#publish();
    else this.#expects = "body";
  }

  body(memory: Buffer, from: number, to: number): void {
    if (this.#expects !== "body") throw unexpected("body");
    if (!this.#content.take(memory, from, to)) return;
    this.#expects = undefined;
    this.#publish();
  }

  /** Publishes what waited for a commit. */
  send({ message, notBefore, mandatory }: Publication): void {
    const { host, storage } = this.#of;
    const { queues, refused, batch } = host.publish(message, notBefore);
    if (mandatory && queues === 0) this.#return(message);
    if (this.confirms === undefined) return;
    // Nothing that is as safe already has to wait for others.
    this.confirms.published(batch <= storage.safe ? 0 : batch, refused);
  }

  /** The channel is gone. */
  close(): void {
    this.#content.drop();
    this.#expects = undefined;
  }

  #aim(reader: ByteReader, from: number): void {
    const { memory, at, end } = reader;
    if (this.#allowed && this.#target.compare(memory, from, at) === 0) return;
    this.#allowed = false;
    const target = Buffer.from(memory.subarray(from, at));
    const names = reader.reset(target, 0, target.length);
    this.#exchange = names.shortstr();
    this.#routingKey = names.shortstr();
    reader.reset(memory, at, end);
    this.#of.check("write", "exchange", this.#exchange);
    this.#of.host.topology.checkPublish(this.#exchange);
    this.#of.checkTopic("write", this.#exchange, this.#routingKey);
    this.#target = target;
    this.#allowed = true;
  }

  #publish(): void {
    const { known, body } = this.#content;
    const { userId, replyTo, delayMs } = known;
    if (userId !== undefined && userId !== this.#of.user && !this.#of.impersonator)
      throw new Fault(
        "PRECONDITION_FAILED",
        `user_id property set to '${userId}' but authenticated user was '${this.#of.user}'`,
      );
    const message: Message = {
      exchange: this.#exchange,
      routingKey: this.#routingKey,
      properties: replyTo === replyQueue ? this.#answerable(known.properties) : known.properties,
      body,
      persistent: known.persistent,
      priority: known.priority,
      expirationMs: known.expirationMs,
      key: known.key,
    };
    const notBefore = delayMs === undefined ? undefined : this.#of.wall() + delayMs;
    const publication = { message, notBefore, mandatory: this.#mandatory };
    if (this.transaction === undefined) this.send(publication);
    else this.transaction.publish(publication);
    this.#of.published();
  }

  #answerable(properties: Buffer): Buffer {
    const { replyQueue: replyTo } = this.#of;
    if (replyTo === undefined)
      throw new Fault("PRECONDITION_FAILED", "fast reply consumer does not exist");
    return reviseProperties(properties, { replyTo });
  }

  #return({ exchange, routingKey, properties, body }: Message): void {
    const { outlet, channel } = this.#of;
    const fields = {
      replyCode: replies.NO_ROUTE.code,
      replyText: "NO_ROUTE",
      exchange,
      routingKey,
    };
    outlet.bearing(channel, "basic.return", fields, properties, body);
  }
}

function unexpected(what: string): Fault {
  return new Fault("UNEXPECTED_FRAME", `a content ${what} came where none was expected`);
}
