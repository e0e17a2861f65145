import { createTopicsV7, describeConfigsV4 } from "@platformatic/kafka";
import { systemError } from "../../base/error.ts";
import type { Drift } from "../broker.ts";
import type { Channel } from "../channel.ts";
import type { Cluster } from "./cluster.ts";
import { hasId, isPassing } from "./errors.ts";
import { nativeOf } from "./native.ts";
import { commitOffsets, committedOffsets, offsetsAt } from "./offsets.ts";

const replicasDefault = 3;
const replicasInSync = 2;
/** A topic at a time is enough: the controller does one after the other. */
const createMs = 30_000;

/** The group of Kafka in which a group of a channel consumes: named like its queue would be elsewhere. */
export function groupIdOf(channel: Channel, group: string | undefined): string {
  return group === undefined ? channel.name : `${channel.name}.${group}`;
}

/** Where what is meant for one group alone goes. */
export function redriveOf(channel: Channel, group: string | undefined): string {
  return `${groupIdOf(channel, group)}.redrive`;
}

/** What the frame of a batch has besides the message, in bytes, amply. */
const frameBytes = 65_536;

/** The settings of a channel's topic, as Kafka calls them. */
function settingsOf(channel: Channel, bytesMax: number): Readonly<Record<string, string>> {
  return {
    "max.message.bytes": `${bytesMax + frameBytes}`,
    ...(channel.compacted ? { "cleanup.policy": "compact" } : {}),
    ...(channel.retentionMs === undefined ? {} : { "retention.ms": `${channel.retentionMs}` }),
    ...(channel.enqueued === "replicated" ? { "min.insync.replicas": `${replicasInSync}` } : {}),
    ...nativeOf(channel).config,
  };
}

/** Refuses with UNIMPLEMENTED what Kafka, or this cluster, cannot do for a channel. */
export function checkChannel(channel: Channel, nodes: number): void {
  const { name, shape, mandatory, priorityMax, lengthMax, enqueued } = channel;
  const refuse = (reason: string, advice: string): never => {
    throw systemError("UNIMPLEMENTED", `the channel ${name}: ${reason}`, {
      executed: "no",
      advice,
    });
  };
  const { groupType = "consumer" } = nativeOf(channel);
  if (groupType === "share")
    refuse(
      "there are no share groups over Kafka until the client library has them",
      "leave out groupType: consumers of one group then share the partitions",
    );
  if (groupType !== "consumer") refuse(`the groupType ${groupType} is not known`, "it is consumer");
  if (priorityMax > 0) refuse("Kafka has no priorities", "make a channel for each priority");
  if (lengthMax !== undefined)
    refuse("Kafka bounds a topic by time and bytes, not by messages", "say retentionMs instead");
  if (mandatory && shape === "topic")
    refuse("Kafka does not tell whether a group listens to a topic", "leave mandatory out");
  if (enqueued === "replicated" && nodes < replicasInSync)
    refuse(`this cluster has ${nodes} node, so nothing is replicated`, "ask for stored");
}

/** Makes topics and says how what is there differs; remembers what a receipt can say. */
export class Topics {
  readonly #cluster: Cluster;
  readonly #bytesMax: number;
  readonly #replicated: Map<string, Promise<boolean>> = new Map();

  constructor(cluster: Cluster, bytesMax: number) {
    this.#cluster = cluster;
    this.#bytesMax = bytesMax;
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    for (const channel of channels) checkChannel(channel, this.#cluster.size);
    const drifts: Drift[] = [];
    for (const channel of channels) {
      if (!(await this.make(channel))) drifts.push(...(await this.#compare(channel)));
      if (channel.shape === "topic")
        for (const group of channel.groups) await this.#keepFor(channel, group);
    }
    return drifts;
  }

  /** Makes the topic of a channel. False: it is there already. */
  make(
    channel: Channel,
    name: string = channel.name,
    shards: number = channel.shards,
  ): Promise<boolean> {
    const { replicationFactor } = nativeOf(channel);
    const replicas =
      replicationFactor ??
      (channel.enqueued === "replicated" ? Math.min(replicasDefault, this.#cluster.size) : -1);
    return this.create(name, shards, replicas, settingsOf(channel, this.#bytesMax));
  }

  async create(
    name: string,
    partitions: number,
    replicas: number,
    settings: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    if ((await this.#cluster.topic(name)) !== undefined) return false;
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: replicas,
      assignments: [],
      configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
    };
    const made = await this.#cluster.persist(`making the topic ${name}`, async () => {
      try {
        await this.#cluster.askAny(createTopicsV7, [topic], createMs, false);
        return true;
      } catch (error) {
        if (hasId(error, "TOPIC_ALREADY_EXISTS")) return false;
        throw error;
      }
    });
    // The others hear of it a moment later.
    await this.#cluster.persist(`waiting for the topic ${name}`, async () => {
      const found = await this.#cluster.refresh([name]);
      if (found[0]?.leaders.every((leader) => leader >= 0) !== true)
        throw systemError("UNAVAILABLE", `${name} has no leaders yet`, { executed: "no" });
    });
    return made;
  }

  async #compare(channel: Channel): Promise<readonly Drift[]> {
    const { name } = channel;
    const drifts: Drift[] = [];
    const differ = (what: string, declared: string, found: string): void => {
      if (declared !== found)
        drifts.push({ channel: name, what: `topic ${name}: ${what}`, declared, found });
    };
    const topic = await this.#cluster.topic(name);
    differ("partitions", `${channel.shards}`, `${topic?.leaders.length ?? 0}`);
    const declared = Object.entries(settingsOf(channel, this.#bytesMax));
    if (declared.length === 0) return drifts;
    const found = await this.#settings(
      name,
      declared.map(([key]) => key),
    );
    for (const [key, value] of declared) differ(key, value, found.get(key) ?? "");
    return drifts;
  }

  /** From now on messages are kept for a group that has no place yet: it begins here. */
  async #keepFor(channel: Channel, group: string): Promise<void> {
    const { name } = channel;
    const groupId = groupIdOf(channel, group);
    const ends = await offsetsAt(this.#cluster, name, "new");
    const placed = await committedOffsets(this.#cluster, groupId, name, [...ends.keys()]);
    const missing = [...ends].filter(([partition]) => !placed.has(partition));
    if (missing.length === 0) return;
    const offsets = missing.map(([partition, offset]) => ({
      ...{ topic: name, partition, offset, metadata: "" },
    }));
    try {
      await this.#cluster.persist(`keeping ${name} for ${group}`, () =>
        commitOffsets(this.#cluster, groupId, offsets),
      );
    } catch (error) {
      // It has members: then they see to it.
      if (!hasId(error, "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "STALE_MEMBER_EPOCH"))
        throw error;
    }
  }

  async #settings(
    name: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, string | null | undefined>> {
    const { results } = await this.#cluster.persist(`asking for the settings of ${name}`, () =>
      this.#cluster.askAny(
        describeConfigsV4,
        [{ resourceType: 2, resourceName: name, configurationKeys: [...keys] }],
        false,
        false,
      ),
    );
    return new Map(results[0]?.configs.map((each) => [each.name, each.value]));
  }

  /** True when a record of it is on two nodes before it is acknowledged; false also where one may not ask. */
  replicated(name: string): Promise<boolean> {
    let known = this.#replicated.get(name);
    if (known === undefined) {
      const key = "min.insync.replicas";
      known = this.#settings(name, [key]).then(
        (found) => Number(found.get(key)) >= replicasInSync,
        (error: unknown) => {
          if (isPassing(error)) this.#replicated.delete(name);
          return false;
        },
      );
      this.#replicated.set(name, known);
    }
    return known;
  }
}
