import { initProducerIdV5, NumericMap, produceV11 } from "@platformatic/kafka";
import type { Cluster } from "./cluster.ts";
import { hasId, idOf, idsOf, isPassingId, responseOf } from "./errors.ts";
import type { WrittenRecord } from "./record.ts";

/** Who writes: the broker knows by it, and by the numbers of its batches, what it has already. */
export interface Identity {
  readonly producerId: bigint;
  readonly epoch: number;
}

/** Records of one partition that are written together, or not at all. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly WrittenRecord[];
  /** The number of its first record, of those that this identity has written to this partition. */
  readonly sequence: number;
}

/** The offset of the first record; undefined where the broker has it already and does not say. Or the name of an error. */
export type BatchOutcome =
  | { readonly offset: number | undefined }
  | { readonly error: string; readonly reason: string };

type Answer = Exclude<Awaited<ReturnType<typeof produceV11.api.async>>, boolean>;

/** Writes batches to the node that leads their partitions, acknowledged by all replicas that are in sync. Throws when no answer comes. */
export async function produceOnce(
  cluster: Cluster,
  purpose: string,
  nodeId: number,
  identity: Identity,
  batches: readonly Batch[],
  transactionalId?: string,
): Promise<readonly BatchOutcome[]> {
  const timestamp = BigInt(cluster.env.wall());
  const sequences = new NumericMap();
  const messages = [];
  for (const { topic, partition, records, sequence } of batches) {
    sequences.set(`${topic}:${partition}`, sequence);
    for (const record of records) messages.push({ ...record, topic, partition, timestamp });
  }
  const options = {
    producerId: identity.producerId,
    producerEpoch: identity.epoch,
    sequences,
    transactionalId,
  };
  let answer: Answer;
  try {
    // The library's type wants a value; Kafka's protocol does not: that is a tombstone.
    const sent = messages as Parameters<typeof produceV11.api.async>[3];
    const { waitMs } = cluster;
    answer = (await cluster.ask(purpose, nodeId, produceV11, -1, waitMs, sent, options)) as Answer;
  } catch (error) {
    const said = responseOf(error) as Answer | undefined;
    if (said === undefined) throw error;
    answer = said;
  }
  return batches.map(({ topic, partition }) => outcomeOf(answer, topic, partition));
}

function outcomeOf(answer: Answer, topic: string, partition: number): BatchOutcome {
  const found = answer.responses
    .find(({ name }) => name === topic)
    ?.partitionResponses.find(({ index }) => index === partition);
  if (found === undefined) return { error: "UNKNOWN_TOPIC_OR_PARTITION", reason: "no answer" };
  const { errorCode, baseOffset, errorMessage } = found;
  if (errorCode === 0) return { offset: Number(baseOffset) };
  const error = idOf(errorCode);
  if (error === "DUPLICATE_SEQUENCE_NUMBER")
    return { offset: baseOffset >= 0n ? Number(baseOffset) : undefined };
  return { error, reason: errorMessage ?? error };
}

/** A new identity: of a transactional id it ends what an older one has left open. */
export async function identify(
  cluster: Cluster,
  purpose: string,
  transactional?: { readonly id: string; readonly timeoutMs: number },
): Promise<Identity> {
  const { producerId, producerEpoch } = await cluster.persist(
    "becoming a producer",
    () =>
      transactional === undefined
        ? cluster.askAny(initProducerIdV5, null, 0, -1n, -1)
        : cluster.askCoordinator(
            "transaction",
            transactional.id,
            purpose,
            initProducerIdV5,
            transactional.id,
            transactional.timeoutMs,
            -1n,
            -1,
          ),
    cluster.waitMs,
    passesSoon,
  );
  return { producerId, epoch: producerEpoch };
}

/** Errors that pass, those among them that the library does not count. */
export function passesSoon(error: unknown): boolean {
  return hasId(error, "CONCURRENT_TRANSACTIONS") || idsOf(error).every((id) => isPassingId(id));
}
