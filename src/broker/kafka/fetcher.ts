import { fetchV17, type RecordsBatch } from "@platformatic/kafka";
import { alarmAt, sleep } from "../../base/alarm.ts";
import type { Cluster } from "./cluster.ts";
import { idOf, responseOf } from "./errors.ts";
import type { ReadRecord } from "./record.ts";

/** A partition that is read. */
export interface Source {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the next record. */
  position: number;
  /** False: it has enough for now. */
  wants(): boolean;
  /** What was read; the next position is set already. */
  take(records: readonly ReadRecord[]): void;
  /** The position is not in the log (any more). */
  astray(): void;
}

type Answer = Awaited<ReturnType<typeof fetchV17.api.async>>;
type Partition = Answer["responses"][number]["partitions"][number];

/** How long a node may hold a fetch when there is nothing, in milliseconds: when all of its partitions are asked for, and when some are left out. */
const restMs = 500;
const shortMs = 20;
/** Bytes of one answer, and of one partition in it. */
const answerBytesMax = 8 * 1_024 * 1_024;
const partitionBytesMax = 1_024 * 1_024;
const homelessMs = 200;
const failureMs = 100;
const readCommitted = 1;

let purposes = 0;

/**
 * Reads partitions from the nodes that lead them, each node in a loop of its own. A partition that has enough is left out, so that a consumer that is slow in one
 * keeps no memory for it, and reads on in the others. Only what is committed is read.
 */
export class Fetcher {
  readonly #cluster: Cluster;
  readonly #sources: Set<Source> = new Set();
  readonly #loops: Map<number, Promise<void>> = new Map();
  readonly #purpose = `fetch ${++purposes}`;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** At the end of the turn: those that are added in one turn are asked for together. */
  add(source: Source): void {
    this.#sources.add(source);
    this.#cluster.env.defer(() => this.wake());
  }

  remove(source: Source): void {
    this.#sources.delete(source);
  }

  /** A source may want more by now. */
  wake(): void {
    if (this.#closed) return;
    for (const go of this.#waiting.splice(0)) go();
    for (const source of this.#sources) {
      const nodeId = this.#leaderOf(source);
      if (!this.#loops.has(nodeId))
        this.#loops.set(
          nodeId,
          this.#loop(nodeId).finally(() => {
            this.#loops.delete(nodeId);
            // Its partitions are led by another one by now, or nobody knows by whom.
            this.wake();
          }),
        );
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const go of this.#waiting.splice(0)) go();
    await this.#cluster.leave(this.#purpose);
    await Promise.all(this.#loops.values());
  }

  #leaderOf({ topic, partition }: Source): number {
    return this.#cluster.known(topic)?.leaders[partition] ?? -1;
  }

  async #loop(nodeId: number): Promise<void> {
    const { env } = this.#cluster;
    while (!this.#closed) {
      const own = [...this.#sources].filter((each) => this.#leaderOf(each) === nodeId);
      if (own.length === 0) return;
      if (nodeId < 0) {
        await this.#cluster.refresh([...new Set(own.map(({ topic }) => topic))]).catch(() => {});
        if (own.some((each) => this.#leaderOf(each) < 0)) await sleep(env, homelessMs);
        env.defer(() => this.wake());
        continue;
      }
      const wanting = own.filter((each) => each.wants());
      if (wanting.length === 0) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        continue;
      }
      const maxWaitMs = wanting.length === own.length ? restMs : shortMs;
      if (!(await this.#fetch(nodeId, wanting, maxWaitMs)) && !this.#closed)
        await sleep(env, failureMs);
    }
  }

  /** One fetch. False: something failed, and is better tried a moment later. */
  async #fetch(nodeId: number, wanting: readonly Source[], maxWaitMs: number): Promise<boolean> {
    const asked = new Map<string, { topicId: string; name: string; sources: Source[] }>();
    for (const source of wanting) {
      const topicId = this.#cluster.known(source.topic)?.id;
      if (topicId === undefined) continue;
      const topic = asked.get(topicId);
      if (topic === undefined)
        asked.set(topicId, { topicId, name: source.topic, sources: [source] });
      else topic.sources.push(source);
    }
    const topics = [...asked.values()].map(({ topicId, sources }) => ({
      topicId,
      partitions: sources.map((source) => ({
        partition: source.partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(source.position),
        lastFetchedEpoch: -1,
        partitionMaxBytes: partitionBytesMax,
      })),
    }));
    if (topics.length === 0) return false;
    const terms = [maxWaitMs, 1, answerBytesMax, readCommitted, 0, -1] as const;
    let answer: Answer;
    try {
      answer = await this.#cluster.ask(this.#purpose, nodeId, fetchV17, ...terms, topics, [], "");
    } catch (error) {
      const said = responseOf(error) as Answer | undefined;
      if (said === undefined) {
        for (const { topic } of wanting) this.#cluster.forget(topic);
        return false;
      }
      answer = said;
    }
    let good = true;
    for (const { topicId, partitions } of answer.responses)
      for (const partition of partitions) {
        const sources = asked.get(topicId)?.sources;
        const source = sources?.find((each) => each.partition === partition.partitionIndex);
        if (source !== undefined && this.#sources.has(source))
          good = this.#take(source, partition) && good;
      }
    return good && answer.errorCode === 0;
  }

  #take(source: Source, answer: Partition): boolean {
    if (answer.errorCode !== 0) {
      if (idOf(answer.errorCode) === "OFFSET_OUT_OF_RANGE") source.astray();
      else this.#cluster.forget(source.topic);
      return false;
    }
    const { records, next } = committedRecords(source, answer);
    source.position = next;
    source.take(records);
    return true;
  }
}

/** The records from the position on, without those of aborted transactions and the markers of all. */
function committedRecords(
  { topic, partition, position }: Source,
  { records: batches, abortedTransactions }: Partition,
): { readonly records: readonly ReadRecord[]; readonly next: number } {
  const aborted = (abortedTransactions ?? []).toSorted((a, b) =>
    a.firstOffset < b.firstOffset ? -1 : 1,
  );
  const active = new Set<bigint>();
  const records: ReadRecord[] = [];
  let next = position;
  for (const batch of batches ?? []) {
    const first = Number(batch.firstOffset);
    const last = first + batch.lastOffsetDelta;
    while (aborted.length > 0 && Number(aborted[0]!.firstOffset) <= last)
      active.add(aborted.shift()!.producerId);
    next = Math.max(next, last + 1);
    if ((batch.attributes & 0x20) !== 0) {
      // A marker: with it the transaction of this producer has ended.
      active.delete(batch.producerId);
      continue;
    }
    if ((batch.attributes & 0x10) !== 0 && active.has(batch.producerId)) continue;
    for (const record of batch.records) {
      const offset = first + record.offsetDelta;
      if (offset >= position) records.push(recordOf(topic, partition, offset, batch, record));
    }
  }
  return { records, next };
}

function recordOf(
  topic: string,
  partition: number,
  offset: number,
  batch: RecordsBatch,
  record: RecordsBatch["records"][number],
): ReadRecord {
  const timestamp = Number(batch.firstTimestamp + record.timestampDelta);
  const { key, value, headers } = record;
  return { topic, partition, offset, timestamp, key, value, headers };
}

/** Resolves after `ms`, or as soon as `stop` is called: for who reads until there is enough. */
export function until(
  cluster: Cluster,
  ms: number,
): { readonly over: Promise<void>; stop(): void } {
  const { env } = cluster;
  let stop = (): void => {};
  const over = new Promise<void>((resolve) => {
    const alarm = alarmAt(env, env.now() + ms, resolve);
    stop = () => {
      env.clear(alarm);
      resolve();
    };
  });
  return { over, stop };
}
