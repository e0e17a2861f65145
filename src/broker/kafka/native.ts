import type { Channel } from "../channel.ts";

/** What concerns Kafka alone of a channel, in its `native.kafka`. */
export interface KafkaChannel {
  /** How many nodes keep each partition. Default: what the cluster does with new topics; of a channel that is `replicated`, three. */
  readonly replicationFactor?: number;
  /** Settings of the topic by their own names: `{ "segment.ms": "600000" }`. */
  readonly config?: Readonly<Record<string, string>>;
  /** `consumer`, the default. `share` is refused: the client has no share groups (KIP-932) yet. */
  readonly groupType?: string;
}

/** What the channel says for Kafka alone. */
export function nativeOf(channel: Channel): KafkaChannel {
  return channel.native["kafka"] ?? {};
}
