import type { AsyncMessage, Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import { sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { ReplyBox, ReplyTerms } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import { declared, ignored } from "./declarations.ts";
import { envelopeOf } from "./message.ts";
import { quorumArguments, type Cluster, type Plan } from "./topology.ts";

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
  readonly cluster: Cluster;
  readonly endpoint: string;
  readonly env: Env;
}

/** Between tries to hear again on a new connection. */
const again = { baseMs: 100, capMs: 5_000 };

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
  #left = false;

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

  /** On a new connection, until it hears again or that is lost too. */
  async restart(connection: Connection): Promise<void> {
    const { env } = this.#terms;
    for (let failures = 0; !this.#left; failures++) {
      try {
        await this.start(connection);
        return;
      } catch {
        if (!connection.ready) return;
        await sleep(
          env,
          backoff(failures, again, () => env.random()),
        );
      }
    }
  }

  close(): Promise<void> {
    this.#left = true;
    const channel = this.#channel;
    this.#channel = undefined;
    this.#closed(this);
    return channel?.close() ?? Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #plan(): Plan {
    const { terms, cluster } = this.#terms;
    const { replicas = 1 } = cluster;
    // A queue of one node is quicker to make and to write; one of several outlives its node.
    const transient = replicas > 1 ? quorumArguments(cluster) : { "x-queue-type": "classic" };
    const given =
      terms.name === undefined
        ? { ...transient, "x-expires": waitsMs }
        : {
            "x-queue-type": "stream",
            "x-max-age": `${keptSeconds}s`,
            ...(replicas > 1 ? { "x-initial-cluster-size": replicas } : {}),
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
