import type {
  Channel as AmqpConnectionChannel,
  Envelope as AmqpEnvelope,
  ReturnedMessage,
} from "rabbitmq-client";
import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Enqueued } from "../channel.ts";
import type { Receipt } from "../broker.ts";
import { codeOf, translated } from "./foreign-error.ts";
import { ignored } from "./declarations.ts";
import { reachableMs, type Link } from "./link.ts";

export interface PublisherTerms {
  readonly link: Link;
  readonly endpoint: string;
  /** The longest that a confirm is waited for, and that a message waits for a connection. */
  readonly waitMs: number;
  /** The longest that a message waits while the server wants none. */
  readonly blockedMs: number;
  /** Written and not confirmed, at most. */
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly env: Env;
}

/** The most messages of a process that wait to be written: who goes on is refused. */
const waitingMax = 100_000;

/** What is published, ready to be written. */
export interface Written {
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: AmqpEnvelope;
  readonly body: Buffer;
  /** Told when no queue takes it. */
  readonly mandatory: boolean;
  /** What its receipt says. */
  readonly enqueued: Enqueued;
  /** For errors: `orders.1.placed`. */
  readonly channel: string;
}

/** A message that waits to be written or to be confirmed: its own alarm. */
class Pending extends Alarm {
  readonly written: Written;
  readonly settled: Promise<Receipt | TrunklineError>;
  readonly #late: (pending: Pending) => void;
  #resolve!: (outcome: Receipt | TrunklineError) => void;
  done = false;
  sent = false;
  returned: string | undefined;

  constructor(written: Written, late: (pending: Pending) => void) {
    super();
    this.written = written;
    this.#late = late;
    this.settled = new Promise((resolve) => (this.#resolve = resolve));
  }

  ring(): void {
    this.#late(this);
  }

  settle(outcome: Receipt | TrunklineError): void {
    this.done = true;
    this.#resolve(outcome);
  }
}

/**
 * Publishes by one AMQP channel with confirms, in the order in which it is asked to. At most a window of messages is unconfirmed;
 * nothing is written while the server is short of memory or disk.
 */
export class Publisher {
  readonly #terms: PublisherTerms;
  #queue: Pending[] = [];
  #head = 0;
  /** Written and not settled, by the ids of their messages: what is returned is found by them. */
  readonly #flying = new Set<Pending>();
  #bytes = 0;
  #channel: AmqpConnectionChannel | undefined;
  #opening = false;
  #idle: (() => void)[] = [];

  constructor(terms: PublisherTerms) {
    this.#terms = terms;
  }

  publish(written: Written): Promise<Receipt | TrunklineError> {
    const { env, waitMs, blockedMs, link } = this.#terms;
    const pending = new Pending(written, this.#late);
    if (this.#queue.length - this.#head >= waitingMax)
      pending.settle(
        this.#error("RESOURCE_EXHAUSTED", `${waitingMax} messages wait already`, "no"),
      );
    else {
      env.set(pending, env.now() + (link.blocked ? blockedMs : waitMs));
      this.#queue.push(pending);
      this.pump();
    }
    return pending.settled;
  }

  /** Resolves when all is settled that was asked for. */
  async idle(): Promise<void> {
    while (this.#flying.size > 0 || this.#head < this.#queue.length)
      await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Writes what may be written. */
  pump(): void {
    const { link, windowMessages, windowBytes } = this.#terms;
    for (;;) {
      const next = this.#queue[this.#head];
      if (next === undefined) break;
      if (!next.done) {
        const full = this.#flying.size >= windowMessages || this.#bytes >= windowBytes;
        if (link.blocked || full) return;
        if (this.#channel?.active !== true) {
          if (!this.#opening) void this.#open();
          return;
        }
        this.#write(next, this.#channel);
      }
      this.#head++;
    }
    this.#queue = [];
    this.#head = 0;
  }

  /** The connection is lost: whatever was written may have arrived. */
  lost(): void {
    this.#channel = undefined;
    for (const each of this.#flying)
      this.#settle(
        each,
        this.#error(
          "UNAVAILABLE",
          "the connection was lost before the message was confirmed",
          "maybe",
        ),
      );
    if (this.#head < this.#queue.length) this.pump();
  }

  async close(): Promise<void> {
    await this.#channel?.close();
  }

  #write(pending: Pending, channel: AmqpConnectionChannel): void {
    const { env, waitMs } = this.#terms;
    const { exchange, routingKey, properties, body, mandatory } = pending.written;
    pending.sent = true;
    this.#flying.add(pending);
    this.#bytes += body.length;
    env.set(pending, env.now() + waitMs);
    channel
      .basicPublish({ ...properties, exchange, routingKey, mandatory }, body)
      .then(() => {
        // The client tells what is returned a turn after it has told that it is confirmed.
        if (mandatory) env.yield(() => this.#confirmed(pending));
        else this.#confirmed(pending);
      })
      .catch((error: unknown) => this.#failed(pending, error));
  }

  #confirmed(pending: Pending): void {
    const { enqueued, channel } = pending.written;
    if (pending.returned === undefined) this.#settle(pending, { enqueued });
    else
      this.#settle(
        pending,
        systemError("UNAVAILABLE", `no queue takes messages of ${channel}: ${pending.returned}`, {
          executed: "no",
          endpoint: this.#terms.endpoint,
          advice: "start a consumer, or declare its group with the channel",
        }),
      );
  }

  #failed(pending: Pending, error: unknown): void {
    if (codeOf(error) === "NACK")
      // Some of its queues may have it; and one that crashed may have it too.
      this.#settle(
        pending,
        this.#error("RESOURCE_EXHAUSTED", "RabbitMQ takes no more messages there", "maybe"),
      );
    else this.#settle(pending, translated(error, this.#terms.endpoint, "maybe"));
  }

  #settle(pending: Pending, outcome: Receipt | TrunklineError): void {
    if (pending.done) return;
    this.#terms.env.clear(pending);
    if (this.#flying.delete(pending)) this.#bytes -= pending.written.body.length;
    pending.settle(outcome);
    this.pump();
    if (this.#flying.size > 0 || this.#head < this.#queue.length) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  readonly #late = (pending: Pending): void => {
    const { waitMs, link } = this.#terms;
    if (pending.sent)
      this.#settle(
        pending,
        this.#error("UNAVAILABLE", `no confirm came within ${waitMs} ms`, "maybe"),
      );
    else {
      const why = link.blocked
        ? "RabbitMQ is short of memory or disk and wants no messages"
        : "there was no connection in time";
      const { endpoint } = this.#terms;
      const said = { executed: "no", endpoint, retryAfterMs: reachableMs } as const;
      this.#settle(pending, systemError("UNAVAILABLE", why, said));
    }
  };

  #error(
    code: "UNAVAILABLE" | "RESOURCE_EXHAUSTED",
    reason: string,
    executed: "no" | "maybe",
  ): TrunklineError {
    return systemError(code, reason, { executed, endpoint: this.#terms.endpoint });
  }

  async #open(): Promise<void> {
    this.#opening = true;
    try {
      const connection = await this.#terms.link.ready();
      const channel = await connection.acquire({ emitErrorsFromChannel: true });
      channel.on("error", ignored);
      channel.on("basic.return", (message: ReturnedMessage) => this.#returned(message));
      channel.on("close", () => {
        if (this.#channel === channel) this.lost();
      });
      await channel.confirmSelect();
      this.#channel = channel;
    } catch {
      // What waits has its own alarms; the next connection tries again.
    } finally {
      this.#opening = false;
    }
    if (this.#channel?.active === true) this.pump();
  }

  /** The oldest of that name is meant: those of one channel are returned in their order. */
  #returned({ messageId, exchange, routingKey, replyText }: ReturnedMessage): void {
    for (const each of this.#flying) {
      const { written, returned } = each;
      if (returned !== undefined || written.properties.messageId !== messageId) continue;
      if (written.exchange !== exchange || written.routingKey !== routingKey) continue;
      each.returned = replyText.toLowerCase();
      return;
    }
  }
}
