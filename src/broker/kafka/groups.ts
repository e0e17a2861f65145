import { consumerGroupDescribeV0 } from "@platformatic/kafka";
import { systemError } from "../../base/error.ts";
import type { Lag, ShardLag, StartAt } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import type { Cluster } from "./cluster.ts";
import { Completion } from "./completion.ts";
import { hasId } from "./errors.ts";
import { Fetcher, until, type Source } from "./fetcher.ts";
import { commitOffsets, committedOffsets, offsetsAt } from "./offsets.ts";
import { readEnvelope, type ReadRecord } from "./record.ts";

/** What is asked of a group from outside of it. */
export interface GroupPlace {
  readonly groupId: string;
  /** The topics that it consumes; those that are not there are left out. */
  readonly topics: readonly string[];
  /** Where it begins in what it has no place in. */
  readonly from: StartAt;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly completion: Completion;
  readonly end: number;
}

/** How long is looked at most, in milliseconds: what is there by then is told. */
const browseMs = 5_000;

async function placesOf(cluster: Cluster, group: GroupPlace): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const topic of group.topics) {
    const ends = await offsetsAt(cluster, topic, "new");
    if (ends.size === 0) continue;
    const partitions = [...ends.keys()];
    const firsts = await offsetsAt(cluster, topic, "first");
    const placed = await committedOffsets(cluster, group.groupId, topic, partitions);
    const begins = topic === group.topics[0] && group.from === "new" ? ends : firsts;
    for (const partition of partitions.toSorted((a, b) => a - b)) {
      const end = ends.get(partition) ?? 0;
      const known = placed.get(partition);
      const completion =
        known === undefined
          ? new Completion(begins.get(partition) ?? end)
          : Completion.read(known.offset, known.metadata);
      completion.advance(firsts.get(partition) ?? 0);
      places.push({ topic, partition, completion, end });
    }
  }
  return places;
}

/** How far a group is behind. Markers of transactions stand in the log too: after transactions it may say a little more than there is. */
export async function lagOf(cluster: Cluster, group: GroupPlace): Promise<Lag> {
  const places = await placesOf(cluster, group);
  const owners = await ownersOf(cluster, group.groupId);
  const shards = places.map(({ topic, partition, completion, end }): ShardLag => {
    const shard = `${topic}[${partition}]`;
    const consumer = owners.get(shard);
    const waiting = completion.openCount + Math.max(0, end - completion.high);
    return consumer === undefined ? { shard, waiting } : { shard, waiting, consumer };
  });
  return { waiting: shards.reduce((sum, { waiting }) => sum + waiting, 0), shards };
}

async function ownersOf(cluster: Cluster, groupId: string): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  try {
    const { groups } = await cluster.askCoordinator(
      "group",
      groupId,
      "group",
      consumerGroupDescribeV0,
      [groupId],
      false,
    );
    for (const { memberId, clientId, assignment } of groups[0]?.members ?? [])
      for (const { topicName, partitions } of assignment.topicPartitions)
        for (const partition of partitions)
          owners.set(`${topicName}[${partition}]`, `${clientId}/${memberId}`);
  } catch (error) {
    // A group that nobody is in, or has been in: nobody consumes.
    if (!hasId(error, "GROUP_ID_NOT_FOUND", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR"))
      throw error;
  }
  return owners;
}

/** Puts a group to another place in its topic; refused while it has members. */
export async function resetGroup(
  cluster: Cluster,
  groupId: string,
  topic: string,
  to: StartAt,
): Promise<void> {
  if ((await ownersOf(cluster, groupId)).size > 0) throw consumed(groupId);
  const offsets = await offsetsAt(cluster, topic, to);
  const placed = [...offsets].map(([partition, offset]) => ({
    ...{ topic, partition, offset, metadata: "" },
  }));
  try {
    await cluster.persist(`resetting ${groupId}`, () => commitOffsets(cluster, groupId, placed));
  } catch (error) {
    if (hasId(error, "UNKNOWN_MEMBER_ID", "STALE_MEMBER_EPOCH", "ILLEGAL_GENERATION"))
      throw consumed(groupId);
    throw error;
  }
}

function consumed(groupId: string): Error {
  return systemError("UNAVAILABLE", `the group ${groupId} is consumed at the moment`, {
    executed: "no",
    advice: "stop its consumers first",
  });
}

/** The first messages that wait for a group, oldest first. */
export async function browseGroup(
  cluster: Cluster,
  group: GroupPlace,
  limit: number,
): Promise<readonly Envelope[]> {
  const places = (await placesOf(cluster, group)).filter(
    ({ completion, end }) => completion.base < end,
  );
  const found: ReadRecord[] = [];
  const fetcher = new Fetcher(cluster);
  const { over, stop } = until(cluster, browseMs);
  const left = new Set(places);
  if (left.size === 0) stop();
  for (const place of places) {
    const { topic, partition, completion, end } = place;
    let count = 0;
    const source: Source = {
      topic,
      partition,
      position: completion.base,
      wants: () => left.has(place),
      take(records) {
        for (const record of records) {
          const { offset } = record;
          if (offset >= end || count >= limit) break;
          if (offset < completion.high && !completion.isOpen(offset)) continue;
          found.push(record);
          count++;
        }
        if (count >= limit || source.position >= end) left.delete(place);
        if (left.size === 0) stop();
      },
      astray: () => left.delete(place),
    };
    fetcher.add(source);
  }
  await over;
  await fetcher.close();
  return found
    .toSorted((a, b) => a.timestamp - b.timestamp || a.offset - b.offset)
    .slice(0, limit)
    .map((record) => readEnvelope(record).envelope);
}
