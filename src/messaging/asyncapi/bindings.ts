import type { JsonSchema } from "../../base/contract-shape.ts";
import type { Channel } from "../../broker/channel.ts";

/** The versions of the bindings that are written: https://github.com/asyncapi/bindings. */
const kafka = { bindingVersion: "0.5.0" } as const;
const amqp = { bindingVersion: "0.3.0" } as const;

type Bindings = Readonly<Record<string, unknown>>;

/** How a channel is laid out in each protocol, as the adapters of this package do it. */
export function channelBindings(channel: Channel, protocols: readonly string[]): Bindings {
  return picked(protocols, {
    kafka: {
      topic: channel.name,
      partitions: channel.shards,
      ...(Object.keys(topicSettings(channel)).length === 0
        ? {}
        : { topicConfiguration: topicSettings(channel) }),
      ...kafka,
    },
    amqp: { ...amqpPlace(channel), ...amqp },
  });
}

function topicSettings({ compacted, retentionMs }: Channel): Bindings {
  return {
    ...(compacted ? { "cleanup.policy": ["compact"] } : {}),
    ...(retentionMs === undefined ? {} : { "retention.ms": retentionMs }),
  };
}

/** A topic is an exchange, to which each group binds a queue; in order a queue is one too, which hashes keys to the queues of its shards. */
function amqpPlace({ name, shape, ordered, native }: Channel): Bindings {
  const { exchange = "fanout" } = (native["amqp"] ?? {}) as { readonly exchange?: string };
  const lasting = { durable: true, autoDelete: false };
  if (shape === "topic")
    return { is: "routingKey", exchange: { name, type: exchange, ...lasting } };
  // The binding has no word for an exchange that hashes (`x-consistent-hash`).
  if (ordered) return { is: "routingKey", exchange: { name, ...lasting } };
  return { is: "queue", queue: { name, exclusive: false, ...lasting } };
}

/** What a message is on each protocol; `key` is the schema of its ordering key. */
export function messageBindings(
  type: string,
  key: JsonSchema | undefined,
  protocols: readonly string[],
): Bindings {
  return picked(protocols, {
    kafka: { ...(key === undefined ? {} : { key }), ...kafka },
    amqp: { messageType: type, ...amqp },
  });
}

/** How messages of a channel are sent, or received by a group of consumers. */
export function operationBindings(
  channel: Channel,
  action: "send" | "receive",
  protocols: readonly string[],
): Bindings {
  const lasting = channel.guarantee !== "at-most-once";
  return picked(protocols, {
    kafka: {
      ...(action === "receive" ? { groupId: { type: "string", const: channel.name } } : {}),
      ...kafka,
    },
    amqp: {
      ...(action === "receive"
        ? { ack: true }
        : { deliveryMode: lasting ? 2 : 1, mandatory: channel.mandatory }),
      ...amqp,
    },
  });
}

function picked(protocols: readonly string[], all: Bindings): Bindings {
  return Object.fromEntries(Object.entries(all).filter(([name]) => protocols.includes(name)));
}
