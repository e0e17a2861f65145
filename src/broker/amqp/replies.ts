import type { AsyncMessage, Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { ReplyBox, ReplyTerms } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import { declared, ignored } from "./declarations.ts";
import { envelopeOf } from "./message.ts";
import type { Plan } from "./topology.ts";

/** Durable replies are kept for so long, in seconds. */
const keptSeconds = 86_400;
/** A transient box waits so long for its process to connect again. */
const waitsMs = 60_000;
/** The most replies on their way to this process. */
const prefetch = 256;
/** No reply comes twice to a reader of a stream that begins again, as long as it is one of the last so many. */
const rememberedMax = 4_096;

export interface ReplyBoxTerms {
  readonly terms: ReplyTerms;
  readonly heard: (envelope: Envelope) => void;
  readonly replicas: number | undefined;
  readonly endpoint: string;
  readonly env: Env;
}

const before = "trunkline.replies.";

/** True for what `address` of a reply box said. */
export function isReplyAddress(text: string): boolean {
  return text.startsWith(before);
}

/**
 * Where replies to this process go. A durable box is a stream, which several can read and none empties; a transient one is a queue
 * that is gone a minute after its process. RabbitMQ's direct reply-to would be no queue at all, but its address changes with
 * each connection: who asked before would wait in vain.
 */
export class AmqpReplyBox implements ReplyBox {
  readonly address: string;
  readonly #terms: ReplyBoxTerms;
  readonly #closed: (box: AmqpReplyBox) => void;
  #channel: AmqpConnectionChannel | undefined;
  /** The next one to read of a stream, once something of it has come. */
  #next: number | undefined;
  readonly #heard = new Set<string>();

  constructor(terms: ReplyBoxTerms, closed: (box: AmqpReplyBox) => void) {
    const { name } = terms.terms;
    if (name !== undefined && !/^[A-Za-z0-9._-]{1,200}$/.test(name))
      throw systemError("INVALID_ARGUMENT", `"${name}" is no name of a reply box`, {
        executed: "no",
        advice: "give it up to 200 letters, digits, dots, dashes and underscores",
      });
    this.#terms = terms;
    this.#closed = closed;
    this.address =
      name === undefined ? `${before}transient.${uuidv7(terms.env)}` : `${before}durable.${name}`;
  }

  async start(connection: Connection): Promise<void> {
    const { endpoint } = this.#terms;
    await declared(connection, this.#plan(), this.address, endpoint);
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    channel.on("error", ignored);
    this.#channel = channel;
    await channel.basicQos({ prefetchCount: prefetch });
    const offset = this.#offset();
    await channel.basicConsume(
      {
        queue: this.address,
        ...(offset === undefined ? {} : { arguments: { "x-stream-offset": offset } }),
      },
      (message) => this.#took(message, channel),
    );
  }

  close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    this.#closed(this);
    return channel?.close() ?? Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #plan(): Plan {
    const { terms, replicas } = this.#terms;
    const given =
      terms.name === undefined
        ? { "x-queue-type": "classic", "x-expires": waitsMs }
        : {
            "x-queue-type": "stream",
            "x-max-age": `${keptSeconds}s`,
            ...(replicas === undefined ? {} : { "x-initial-cluster-size": replicas }),
          };
    return {
      exchanges: [],
      queues: [{ name: this.address, arguments: given }],
      bindings: [],
    };
  }

  /** The client can write no instant, so the stream is asked for an age; what is older is left out here. */
  #offset(): number | string | undefined {
    const { terms, env } = this.#terms;
    if (terms.name === undefined) return undefined;
    if (this.#next !== undefined) return this.#next;
    if (terms.since === undefined) return "next";
    return `${Math.max(1, Math.ceil((env.wall() - terms.since) / 1_000) + 1)}s`;
  }

  #took(message: AsyncMessage, channel: AmqpConnectionChannel): void {
    const { heard, env } = this.#terms;
    if (this.#channel !== channel) return;
    channel.basicAck({ deliveryTag: message.deliveryTag });
    const offset = message.headers?.["x-stream-offset"];
    if (typeof offset === "number") this.#next = offset + 1;
    const { envelope, malformed } = envelopeOf(message, {
      wallMs: env.wall(),
      newId: () => uuidv7(env),
    });
    if (malformed !== undefined || this.#heard.has(envelope.id)) return;
    this.#heard.add(envelope.id);
    if (this.#heard.size > rememberedMax) this.#heard.delete(this.#heard.values().next().value!);
    heard(envelope);
  }
}
