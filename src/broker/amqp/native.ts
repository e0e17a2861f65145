import { systemError } from "../../base/error.ts";
import type { Channel } from "../channel.ts";

/** What concerns RabbitMQ alone: `native: { amqp: { … } }` of a channel. */
export interface AmqpChannel {
  /**
   * What the messages of a topic are published to. `fanout` (the default) gives each group each message; `topic`, `direct` and
   * `headers` give a group what it is bound for. Of a queue: publishes through an exchange of that type instead of the default one.
   */
  readonly exchange?: "direct" | "topic" | "headers" | "fanout";
  /** What becomes the routing key. Default `type`. */
  readonly routingKey?: "type" | "subject" | "source";
  /** What each group is bound for, by its name; of a queue, by the empty name. Default: the routing key `#`, of `direct` the channel's name. */
  readonly bindings?: Readonly<Record<string, readonly AmqpBinding[]>>;
  /** Other exchanges whose messages this one gets too. */
  readonly from?: readonly AmqpSource[];
  /** An exchange of yours: there goes what no queue is bound for. */
  readonly alternate?: string;
  /** An exchange of yours: there goes what the server itself gives up, because it has expired. */
  readonly deadLetter?: { readonly exchange: string; readonly routingKey?: string };
  /** `classic`: quicker, on one node only. Default: quorum where messages must not be lost and have no priorities. */
  readonly queue?: "quorum" | "classic";
  /** Keeps a topic in a stream too, for who consumes without a group from an earlier instant. Needs `retentionMs`, or keeps all. */
  readonly stream?: boolean;
  /** More arguments of the queues: they win. */
  readonly arguments?: Readonly<Record<string, string | number | boolean>>;
}

export interface AmqpBinding {
  readonly routingKey?: string;
  /** Of a headers exchange: what must be there. Attributes stand there with `cloudEvents:` before their names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether one of the headers is enough. Default `all`. */
  readonly match?: "all" | "any";
}

export interface AmqpSource {
  readonly exchange: string;
  readonly routingKey?: string;
}

const known: ReadonlySet<string> = new Set([
  ...["exchange", "routingKey", "bindings", "from", "alternate", "deadLetter"],
  ...["queue", "stream", "arguments"],
]);

/** What a channel says for RabbitMQ. Refuses names that mean nothing with INVALID_ARGUMENT. */
export function nativeOf({ name, native }: Channel): AmqpChannel {
  const said = (native["amqp"] ?? {}) as AmqpChannel;
  const unknown = Object.keys(said).find((key) => !known.has(key));
  if (unknown === undefined) return said;
  throw systemError("INVALID_ARGUMENT", `the channel ${name}: native.amqp has no "${unknown}"`, {
    executed: "no",
    advice: `it may have ${[...known].join(", ")}`,
  });
}
