import type { Env } from "../../../base/env.ts";
import { systemError } from "../../../base/error.ts";
import { uuidv7 } from "../../../base/id.ts";
import type { ReplyBox, ReplyTerms } from "../../broker.ts";
import type { Envelope } from "../../envelope.ts";
import type { ConsumerTerms, Handed, LogStart, QueueConsumer } from "../consumer.ts";
import { queueTerms, type QueueTerms } from "../terms.ts";
import type { VirtualHost } from "../virtual-host.ts";
import { EventMessage, receivedOf } from "./event-message.ts";
import type { Safety } from "./safety.ts";

/** Before the names of durable boxes, and of transient ones. They are queues under these names: clients of AMQP may answer there too. */
const kept = "kept/";
const once = "once/";
/** Replies that a durable box keeps; the oldest go first. */
const keptMax = 100_000;
/** How long it keeps them, in milliseconds: a day. */
const keptMs = 24 * 3_600_000;
/** Replies that wait in a transient box for its reader's turn; the oldest go first. */
const waitingMax = 100_000;
/** Replies that a reader is told in one turn. */
const atOnceMax = 1_024;

/**
 * Who has lost the owner of a folder opens its transient boxes at the next one within so long, in milliseconds: what comes sooner
 * waits for it.
 */
const comingBackMs = 10_000;

/** The address of a new transient box. */
export function transientAddress(env: Env): string {
  return `${once}${uuidv7(env)}`;
}

/** Where replies go. A durable box is a log, which several read and none empties; a transient one a queue that goes with its reader. */
export class ReplyBoxes {
  readonly #host: VirtualHost;
  readonly #safety: Safety;
  readonly #env: Env;
  readonly #endpoint: string;
  /** Of transient boxes: whoever comes again by another way takes the place of the one that was lost. */
  readonly #readers = new Map<string, Reader>();
  readonly #begunAt: number;

  constructor(host: VirtualHost, safety: Safety, env: Env, endpoint: string) {
    this.#host = host;
    this.#safety = safety;
    this.#env = env;
    this.#endpoint = endpoint;
    this.#begunAt = env.now();
  }

  /** `address`: that of a transient box, where it had one before. */
  open(
    { name, since }: ReplyTerms,
    heard: (envelope: Envelope) => void,
    user: string,
    address: string = transientAddress(this.#env),
  ): ReplyBox {
    const at = name === undefined ? checked(once, address.slice(once.length)) : checked(kept, name);
    this.#declare(at);
    const reader = new Reader(at, user, since, heard, this.#env);
    reader.consumer = this.#host.consume(at, reader);
    if (name === undefined) {
      this.#readers.get(at)?.close();
      this.#readers.set(at, reader);
    }
    const close = (): Promise<void> => {
      if (this.#readers.get(at) === reader) this.#readers.delete(at);
      reader.close();
      return Promise.resolve();
    };
    return { address: at, close, [Symbol.asyncDispose]: close };
  }

  async reply(to: string, envelope: Envelope): Promise<void> {
    if (to.startsWith(kept)) this.#declare(checked(kept, to.slice(kept.length)));
    else if (to.startsWith(once) && this.#env.now() < this.#begunAt + comingBackMs)
      this.#declare(checked(once, to.slice(once.length)), comingBackMs);
    const queue = this.#host.queue(to);
    // A transient one's reader is gone, and nobody else could come.
    if (queue === undefined) return;
    const { durable } = queue.terms;
    const place = { exchange: "", routingKey: to, persistent: durable };
    const message = new EventMessage(envelope, place, this.#env.wall());
    const { refused, batch } = this.#host.publishTo(to, message);
    if (refused)
      throw systemError("RESOURCE_EXHAUSTED", `there is no place for replies in ${to}`, {
        executed: "no",
        endpoint: this.#endpoint,
        advice: "make room on the disk",
      });
    if (batch > 0) await this.#safety.noted();
  }

  /** `expiresMs`: so long it stays while nobody reads it. */
  #declare(name: string, expiresMs?: number): void {
    if (this.#host.queue(name) !== undefined) return;
    this.#host.declareQueue({ ...boxTerms(name), expiresMs });
  }
}

function boxTerms(name: string): QueueTerms {
  return name.startsWith(kept)
    ? queueTerms({
        name,
        kind: "log",
        retentionMs: keptMs,
        lengthMax: keptMax,
        arguments: { "x-queue-type": "stream", "x-max-age": `${keptMs / 1_000}s` },
      })
    : queueTerms({
        name,
        durable: false,
        autoDelete: true,
        level: "memory",
        lengthMax: waitingMax,
        arguments: { "x-max-length": waitingMax },
      });
}

function checked(prefix: string, name: string): string {
  if (/^[A-Za-z0-9._-]{1,200}$/.test(name)) return prefix + name;
  throw systemError("INVALID_ARGUMENT", `"${name}" is no name of a reply box`, {
    executed: "no",
    advice: "give it up to 200 letters, digits, dots, dashes and underscores",
  });
}

/** Who reads a box. Each reply is told in a turn of its own: whoever opens a box knows its address before the first one. */
class Reader implements ConsumerTerms {
  readonly tag: string;
  readonly user: string;
  readonly noAck = true;
  readonly early = true;
  readonly exclusive = false;
  readonly from: LogStart;
  consumer: QueueConsumer | undefined;
  readonly #heard: (envelope: Envelope) => void;
  readonly #env: Env;
  #replies: Envelope[] = [];
  #closed = false;

  constructor(
    address: string,
    user: string,
    since: number | undefined,
    heard: (envelope: Envelope) => void,
    env: Env,
  ) {
    this.tag = `${address}#${uuidv7(env)}`;
    this.user = user;
    this.from = since === undefined ? "next" : { time: since };
    this.#heard = heard;
    this.#env = env;
  }

  room(): number {
    return this.#closed ? 0 : atOnceMax - this.#replies.length;
  }

  deliver({ message, queue, seq, enqueuedAt }: Handed): void {
    const { envelope, malformed } = receivedOf(message, `${queue}@${seq}`, enqueuedAt);
    if (malformed !== undefined) return;
    this.#replies.push(envelope);
    if (this.#replies.length === 1) this.#env.defer(this.#tell);
  }

  readonly #tell = (): void => {
    const replies = this.#replies;
    this.#replies = [];
    for (const reply of replies) if (!this.#closed) this.#heard(reply);
    this.consumer?.wake();
  };

  cancelled(): void {
    this.#closed = true;
  }

  close(): void {
    this.#closed = true;
    this.consumer?.close();
  }
}
