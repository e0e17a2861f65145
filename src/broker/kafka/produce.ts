import { promisify } from "node:util";
import { initProducerIdV5, produceV11, Writer, type Connection } from "@platformatic/kafka";
import { batchBytes, type Identity } from "./batch-bytes.ts";
import type { Cluster } from "./cluster.ts";
import { hasId, idOf, idsOf, isPassingId, responseOf } from "./errors.ts";
import type { WrittenRecord } from "./record.ts";

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

type Answer = ReturnType<typeof produceV11.parseResponse>;

const allReplicas = -1;
const { key: produceKey, version: produceVersion } = produceV11.api;

/** The library's request, of batches that are bytes already. */
const produce = {
  api: {
    async: promisify(
      (
        connection: Connection,
        request: Writer,
        done: (error: Error | null, answer: Answer) => void,
      ): void =>
        connection.send<Answer>(
          produceKey,
          produceVersion,
          () => request,
          produceV11.parseResponse,
          true,
          true,
          done as Parameters<typeof connection.send<Answer>>[6],
        ),
    ),
  },
};

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
  const transactional = transactionalId !== undefined;
  const request = Writer.create()
    .appendString(transactionalId)
    .appendInt16(allReplicas)
    .appendInt32(cluster.waitMs)
    .appendArray([...byTopic(batches)], (topics, [name, own]) => {
      topics.appendString(name).appendArray(own, (partitions, { partition, records, sequence }) => {
        const bytes = batchBytes(records, { identity, sequence, timestamp, transactional });
        partitions
          .appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes);
      });
    })
    .appendTaggedFields();
  let answer: Answer;
  try {
    answer = await cluster.ask(purpose, nodeId, produce, request);
  } catch (error) {
    const said = responseOf(error) as Answer | undefined;
    if (said === undefined) throw error;
    answer = said;
  }
  return batches.map(({ topic, partition }) => outcomeOf(answer, topic, partition));
}

function byTopic(batches: readonly Batch[]): ReadonlyMap<string, Batch[]> {
  const topics = new Map<string, Batch[]>();
  for (const batch of batches) {
    const own = topics.get(batch.topic);
    if (own === undefined) topics.set(batch.topic, [batch]);
    else own.push(batch);
  }
  return topics;
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
