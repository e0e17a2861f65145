import { listOffsetsV9, offsetCommitV9, offsetFetchV9 } from "@platformatic/kafka";
import type { StartAt } from "../broker.ts";
import type { Cluster, Topic } from "./cluster.ts";
import { hasId, isPassing } from "./errors.ts";

/** Where a group stands in one partition. */
export interface Committed {
  readonly offset: number;
  readonly metadata: string | null | undefined;
}

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

/** Who commits: a member of the group; undefined where there is none. */
export interface Committer {
  readonly memberId: string;
  readonly epoch: number;
}

const nobody: Committer = { memberId: "", epoch: -1 };

/** The offset in each partition of a topic: where it begins, where it ends now, or of the first record since an instant. */
export async function offsetsAt(
  cluster: Cluster,
  name: string,
  at: StartAt,
  partitions?: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const timestamp = at === "first" ? -2n : at === "new" ? -1n : BigInt(Math.trunc(at));
  return cluster.persist(`asking for the offsets of ${name}`, async () => {
    const topic = cluster.known(name) ?? (await cluster.refresh([name]))[0];
    const found = new Map<number, number>();
    if (topic === undefined) return found;
    const wanted = partitions ?? [...topic.leaders.keys()];
    try {
      await Promise.all(
        [...byLeader(topic, wanted)].map(async ([nodeId, own]) => {
          for (const [partition, offset] of await list(cluster, nodeId, name, own, timestamp))
            found.set(partition, offset);
        }),
      );
    } catch (error) {
      cluster.forget(name);
      throw error;
    }
    const late = wanted.filter((partition) => found.get(partition) === -1);
    // Nothing is that young: from the end on.
    if (late.length > 0)
      for (const [partition, offset] of await offsetsAt(cluster, name, "new", late))
        found.set(partition, offset);
    return found;
  });
}

function byLeader(topic: Topic, partitions: readonly number[]): ReadonlyMap<number, number[]> {
  const leaders = new Map<number, number[]>();
  for (const partition of partitions) {
    const nodeId = topic.leaders[partition] ?? -1;
    const own = leaders.get(nodeId);
    if (own === undefined) leaders.set(nodeId, [partition]);
    else own.push(partition);
  }
  return leaders;
}

async function list(
  cluster: Cluster,
  nodeId: number,
  name: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<readonly (readonly [number, number])[]> {
  const asked = partitions.map((partitionIndex) => ({
    ...{ partitionIndex, currentLeaderEpoch: -1, timestamp },
  }));
  // Only what is committed counts: as far as consumers read.
  const { topics } = await cluster.ask("offsets", nodeId, listOffsetsV9, -1, 1, [
    { name, partitions: asked },
  ]);
  return topics.flatMap((topic) =>
    topic.partitions.map((each) => [each.partitionIndex, Number(each.offset)] as const),
  );
}

/** Where a group stands, by partition; what it has no place in is left out. */
export async function committedOffsets(
  cluster: Cluster,
  groupId: string,
  topic: string,
  partitions: readonly number[],
  by: Committer = nobody,
): Promise<ReadonlyMap<number, Committed>> {
  return cluster.persist(
    `asking where ${groupId} stands`,
    async () => {
      const asked = {
        groupId,
        memberId: by.memberId === "" ? null : by.memberId,
        memberEpoch: by.epoch,
        topics: [{ name: topic, partitionIndexes: [...partitions] }],
      };
      const { groups } = await cluster.askCoordinator(
        "group",
        groupId,
        "group",
        offsetFetchV9,
        [asked],
        true,
      );
      const found = new Map<number, Committed>();
      for (const each of groups[0]?.topics[0]?.partitions ?? [])
        if (each.committedOffset >= 0n)
          found.set(each.partitionIndex, {
            offset: Number(each.committedOffset),
            metadata: each.metadata,
          });
      return found;
    },
    cluster.waitMs,
    (error) => isPassing(error) || hasId(error, "UNSTABLE_OFFSET_COMMIT"),
  );
}

/** Commits, once: as a member, in whose name it fails when the group knows better; or for a group that has no members. */
export async function commitOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly PartitionOffset[],
  by: Committer = nobody,
): Promise<void> {
  const { memberId, epoch } = by;
  const topics = byTopic(offsets);
  await cluster.askCoordinator(
    "group",
    groupId,
    "group",
    offsetCommitV9,
    groupId,
    epoch,
    memberId,
    null,
    topics,
  );
}

interface TopicOffsets {
  name: string;
  partitions: {
    partitionIndex: number;
    committedOffset: bigint;
    committedLeaderEpoch: number;
    committedMetadata: string;
  }[];
}

export function byTopic(offsets: readonly PartitionOffset[]): TopicOffsets[] {
  const topics = new Map<string, TopicOffsets>();
  for (const { topic, partition, offset, metadata } of offsets) {
    let own = topics.get(topic);
    if (own === undefined) topics.set(topic, (own = { name: topic, partitions: [] }));
    own.partitions.push({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    });
  }
  return [...topics.values()];
}
