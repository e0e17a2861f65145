import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Env } from "../../base/env.ts";
import type { Broker, BrokerCapabilities, BrokerFactory, OpenOptions } from "../broker.ts";
import { parseKafkaAddress } from "./address.ts";
import { Cluster } from "./cluster.ts";
import { KafkaBroker } from "./kafka-broker.ts";

export interface KafkaOptions {
  /** For `kafkas:`: authorities, certificates, as `tls.connect` of Node takes them. Default: those that Node trusts. */
  readonly tls?: TlsOptions;
  /** The topic of replies, made when it is first needed: twelve partitions, kept a day. Default `trunkline.replies`. */
  readonly replyTopic?: string;
  /**
   * The largest message in bytes, attributes included; topics are made for it (`max.message.bytes`). One that others made for less refuses what is
   * larger. Default 4 MiB.
   */
  readonly bytesMax?: number;
}

const waitMsDefault = 10_000;
const bytesMaxDefault = 4 * 1_024 * 1_024;

function capabilitiesOf(bytesMax: number): BrokerCapabilities {
  return {
    order: "key",
    guarantees: ["at-most-once", "at-least-once", "exactly-once"],
    receipts: ["accepted", "stored", "replicated"],
    persistent: true,
    attempts: "durable",
    delay: false,
    priority: false,
    ttl: true,
    keeps: true,
    groups: true,
    replay: true,
    filters: [],
    transactions: true,
    mandatory: true,
    replies: "durable",
    browse: true,
    lag: true,
    compaction: true,
    bytesMax,
  };
}

/**
 * Kafka 4.0 or later, by the library @platformatic/kafka (`npm i @platformatic/kafka`).
 *
 * A channel is a topic, its shards are partitions, a group is a consumer group named `channel.group`. Everything is written by an
 * idempotent producer and acknowledged by all replicas in sync, which keep it in the page cache of their hosts: `stored` outlives the
 * death of a broker's process, `replicated` that of a host. Which of the two a receipt says, the topic's `min.insync.replicas` decides.
 */
export function kafka(options: KafkaOptions = {}): BrokerFactory {
  const { tls = {}, replyTopic = "trunkline.replies", bytesMax = bytesMaxDefault } = options;
  const capabilities = capabilitiesOf(bytesMax);
  return {
    name: "kafka",
    schemes: ["kafka", "kafkas"],
    capabilities,
    async open(address: string, terms: OpenOptions, env: Env): Promise<Broker> {
      const parsed = parseKafkaAddress(address);
      const { name, waitMs = waitMsDefault } = terms;
      const cluster = new Cluster(parsed, { name, waitMs, tls }, env);
      try {
        await cluster.persist("connecting", () => cluster.refresh([]));
      } catch (error) {
        await cluster.close();
        throw error;
      }
      // Nothing is replicated where there is nobody to replicate to.
      const { receipts } = capabilities;
      const here =
        cluster.size > 1 ? receipts : receipts.filter((receipt) => receipt !== "replicated");
      return new KafkaBroker(cluster, { ...capabilities, receipts: here }, replyTopic);
    },
  };
}
