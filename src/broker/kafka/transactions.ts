import {
  addOffsetsToTxnV4,
  addPartitionsToTxnV3,
  endTxnV4,
  txnOffsetCommitV4,
} from "@platformatic/kafka";
import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import type { Identity } from "./batch-bytes.ts";
import type { Cluster } from "./cluster.ts";
import { hasId, isPassing, isPassingId, translated } from "./errors.ts";
import { byTopic, type Committer, type PartitionOffset } from "./offsets.ts";
import { identify, passesSoon, produceOnce } from "./produce.ts";
import type { WrittenRecord } from "./record.ts";

/** A record on its way into a transaction. */
export interface Placed {
  readonly topic: string;
  readonly partition: number;
  readonly record: WrittenRecord;
}

/**
 * Past this the cluster ends a transaction that nobody ended, in milliseconds: until then whoever reads waits behind what a writer that was
 * killed has left open. One lasts as long as a few requests.
 */
const timeoutMs = 15_000;
const failureMs = 50;

/** True when the cluster has ended the transaction, or its writer is a newer one: nothing is committed, and a new one may begin. */
export function isAborted(error: unknown): boolean {
  return hasId(
    error,
    "PRODUCER_FENCED",
    "INVALID_PRODUCER_EPOCH",
    "INVALID_PRODUCER_ID_MAPPING",
    "INVALID_TXN_STATE",
    "TRANSACTION_ABORTABLE",
  );
}

/**
 * Writes records and commits what they came of as one (KIP-98, with the fencing of KIP-447): who is not a member of the group any more cannot
 * commit, and what it wrote is never seen.
 */
export class Transactions {
  readonly #cluster: Cluster;
  readonly #id: string;
  readonly #purpose: string;
  #identity: Identity | undefined;
  readonly #sequences: Map<string, number> = new Map();

  constructor(cluster: Cluster, id: string, purpose: string) {
    this.#cluster = cluster;
    this.#id = id;
    this.#purpose = purpose;
  }

  /**
   * Commits all, or nothing. Errors are those of the library or of Trunkline; `executed: "maybe"` only when nobody can say whether it
   * was committed.
   */
  async commit(
    placed: readonly Placed[],
    groupId: string,
    offsets: readonly PartitionOffset[],
    by: Committer,
  ): Promise<void> {
    const identity = (this.#identity ??= await this.#renew());
    try {
      await this.#write(identity, placed);
      await this.#addOffsets(identity, groupId, offsets, by);
    } catch (error) {
      await this.#abort();
      throw error;
    }
    try {
      await this.#end(identity, true);
    } catch (error) {
      this.#identity = undefined;
      throw translated(error, `${this.#cluster.address}: ending a transaction`, "maybe");
    }
  }

  async #renew(): Promise<Identity> {
    this.#sequences.clear();
    return identify(this.#cluster, this.#purpose, { id: this.#id, timeoutMs });
  }

  /** A new identity ends what is open: nothing of it is ever seen. */
  async #abort(): Promise<void> {
    this.#identity = undefined;
    this.#identity = await this.#renew().catch(() => undefined);
  }

  async #write(identity: Identity, placed: readonly Placed[]): Promise<void> {
    const batches = new Map<
      string,
      { topic: string; partition: number; records: WrittenRecord[] }
    >();
    for (const { topic, partition, record } of placed) {
      const name = `${topic}:${partition}`;
      const batch = batches.get(name);
      if (batch === undefined) batches.set(name, { topic, partition, records: [record] });
      else batch.records.push(record);
    }
    if (batches.size === 0) return;
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of batches.values())
      topics.set(topic, [...(topics.get(topic) ?? []), partition]);
    const transaction = {
      transactionalId: this.#id,
      producerId: identity.producerId,
      producerEpoch: identity.epoch,
      verifyOnly: false,
      topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
    };
    await this.#persist("adding to a transaction", () =>
      this.#cluster.askCoordinator("transaction", this.#id, this.#purpose, addPartitionsToTxnV3, [
        transaction,
      ]),
    );
    await Promise.all([...batches].map(([name, batch]) => this.#batch(identity, name, batch)));
  }

  async #batch(
    identity: Identity,
    name: string,
    batch: { topic: string; partition: number; records: readonly WrittenRecord[] },
  ): Promise<void> {
    const { env, waitMs } = this.#cluster;
    const sequence = this.#sequences.get(name) ?? 0;
    const until = env.now() + waitMs;
    for (;;) {
      let error: unknown;
      try {
        const topic = await this.#cluster.topic(batch.topic);
        const nodeId = topic?.leaders[batch.partition] ?? -1;
        const [outcome] = await produceOnce(
          this.#cluster,
          this.#purpose,
          nodeId,
          identity,
          [{ ...batch, sequence }],
          this.#id,
        );
        if (outcome === undefined || "offset" in outcome) {
          this.#sequences.set(name, sequence + batch.records.length);
          return;
        }
        error = translated({ apiId: outcome.error }, `writing to ${name}`, "no");
        if (!isPassingId(outcome.error)) throw error;
      } catch (failure) {
        error = failure;
        if (!isPassing(failure)) throw failure;
      }
      if (env.now() + failureMs > until) throw error;
      this.#cluster.forget(batch.topic);
      await sleep(env, failureMs);
    }
  }

  async #addOffsets(
    { producerId, epoch }: Identity,
    groupId: string,
    offsets: readonly PartitionOffset[],
    by: Committer,
  ): Promise<void> {
    const [cluster, id, purpose] = [this.#cluster, this.#id, this.#purpose];
    await this.#persist("adding offsets to a transaction", () =>
      cluster.askCoordinator(
        "transaction",
        id,
        purpose,
        addOffsetsToTxnV4,
        id,
        producerId,
        epoch,
        groupId,
      ),
    );
    await this.#persist("committing offsets in a transaction", () =>
      cluster.askCoordinator(
        "group",
        groupId,
        purpose,
        txnOffsetCommitV4,
        id,
        groupId,
        producerId,
        epoch,
        by.epoch,
        by.memberId,
        null,
        byTopic(offsets),
      ),
    );
  }

  #end({ producerId, epoch }: Identity, commit: boolean): Promise<unknown> {
    return this.#persist("ending a transaction", () =>
      this.#cluster.askCoordinator(
        "transaction",
        this.#id,
        this.#purpose,
        endTxnV4,
        this.#id,
        producerId,
        epoch,
        commit,
      ),
    );
  }

  /** Like `persist` of the cluster, but leaves the error as it came: who commits must see what the group says. */
  async #persist<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
    const { env, waitMs } = this.#cluster;
    const until = env.now() + waitMs;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        const passing = passesSoon(error) && !hasId(error, "PRODUCER_FENCED");
        if (!passing || this.#cluster.closed) throw error;
        if (env.now() + failureMs > until)
          throw systemError("UNAVAILABLE", `${this.#cluster.address}: ${what} takes too long`, {
            executed: "no",
            cause: error,
          });
        await sleep(env, failureMs);
      }
    }
  }
}
