import { sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Identity } from "./batch-bytes.ts";
import type { Cluster } from "./cluster.ts";
import { isPassing, isPassingId, translated } from "./errors.ts";
import { identify, produceOnce, type Batch, type BatchOutcome } from "./produce.ts";
import type { WrittenRecord } from "./record.ts";

interface Entry {
  readonly record: WrittenRecord;
  readonly bytes: number;
  /** When nobody waits for it any more, by `env.now()`. */
  readonly until: number;
  resolve(offset: number | undefined): void;
  reject(error: TrunklineError): void;
}

/** What goes to one partition: one batch at a time, so that order holds whatever is tried again. */
interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly queue: Entry[];
  busy: boolean;
  identity: Identity | undefined;
  sequence: number;
}

interface Posted extends Batch {
  readonly nodeId: number;
  readonly identity: Identity;
  settle(outcome: BatchOutcome): void;
  fail(error: unknown): void;
}

/** The largest batch in bytes: below what a topic takes unless told otherwise (1,048,588). */
const batchBytesMax = 900_000;
/** What waits to be written, over all partitions, in bytes: who publishes more waits. */
const bufferBytesMax = 32 * 1_024 * 1_024;
const sequenceMax = 0x7fff_ffff;
const epochMax = 0x7fff;
const pauses = { baseMs: 50, capMs: 1_000 };

/** Was written to the leader, but not to as many replicas as are asked for: it may stay. */
const afterAppend = new Set(["NOT_ENOUGH_REPLICAS_AFTER_APPEND", "REQUEST_TIMED_OUT"]);
/** The broker knows nothing, or something else, of what this producer wrote before. */
const strangers = new Set([
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_EPOCH",
]);
const tooLarge = new Set(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"]);

/**
 * Writes records so that each is there once, and those of a partition in their order, whatever connection is lost meanwhile: batches carry the
 * identity of the producer and a number, and are repeated under the same number (KIP-98).
 */
export class Producer {
  readonly #cluster: Cluster;
  readonly #lanes: Map<string, Lane> = new Map();
  readonly #roomWanted: (() => void)[] = [];
  #identity: Promise<Identity> | undefined;
  #posted: Posted[] = [];
  #buffered = 0;
  #idle: (() => void)[] = [];
  #busy = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.#buffered > bufferBytesMax)
      await new Promise<void>((resolve) => this.#roomWanted.push(resolve));
  }

  /** Resolves with the offset of the record; undefined when only that it is there is known. */
  send(topic: string, partition: number, record: WrittenRecord): Promise<number | undefined> {
    const name = `${topic}:${partition}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { topic, partition, queue: [], busy: false, identity: undefined, sequence: 0 };
      this.#lanes.set(name, lane);
    }
    const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0) + 256;
    this.#buffered += bytes;
    const { env, waitMs } = this.#cluster;
    const into = lane;
    return new Promise((resolve, reject) => {
      into.queue.push({ record, bytes, until: env.now() + waitMs, resolve, reject });
      if (into.busy) return;
      into.busy = true;
      this.#busy++;
      // At the end of the turn: what is published in one turn goes together.
      env.defer(() => void this.#drain(into));
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#busy > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #drain(lane: Lane): Promise<void> {
    while (lane.queue.length > 0) {
      const entries = this.#take(lane.queue);
      await this.#write(lane, entries);
      for (const { bytes } of entries) this.#buffered -= bytes;
      if (this.#buffered <= bufferBytesMax) for (const wake of this.#roomWanted.splice(0)) wake();
    }
    lane.busy = false;
    this.#busy--;
    if (this.#busy === 0) for (const wake of this.#idle.splice(0)) wake();
  }

  #take(queue: Entry[]): readonly Entry[] {
    let count = 0;
    let bytes = 0;
    while (count < queue.length && (count === 0 || bytes + queue[count]!.bytes <= batchBytesMax))
      bytes += queue[count++]!.bytes;
    return queue.splice(0, count);
  }

  /** Writes entries as one batch, again and again until they are there or nobody waits any more. */
  async #write(lane: Lane, entries: readonly Entry[]): Promise<void> {
    const { env } = this.#cluster;
    const until = Math.min(...entries.map((each) => each.until));
    let maybe = false;
    for (let failures = 0; ; failures++) {
      let error: unknown;
      let id: string | undefined;
      try {
        const outcome = await this.#try(lane, entries);
        if ("offset" in outcome) return settled(lane, entries, outcome.offset);
        id = outcome.error;
        error = systemError("UNAVAILABLE", outcome.reason, { executed: "no" });
      } catch (failure) {
        error = failure;
        if (!isTrunklineError(failure)) maybe = true;
      }
      if (id !== undefined) {
        if (tooLarge.has(id) && entries.length > 1) {
          const half = entries.length >> 1;
          await this.#write(lane, entries.slice(0, half));
          return this.#write(lane, entries.slice(half));
        }
        if (afterAppend.has(id)) maybe = true;
        if (strangers.has(id)) this.#renew(lane);
      }
      this.#cluster.forget(lane.topic);
      const known = id !== undefined && strangers.has(id);
      const passing = known ? !maybe && failures < 2 : passes(id, error);
      const pause = backoff(failures, pauses, () => env.random());
      if (!passing || env.now() + pause > until) {
        // What may still arrive must not arrive behind what comes now: a newer epoch shuts it out.
        if (maybe) this.#renew(lane);
        const place = `${this.#cluster.address}: writing to ${lane.topic}[${lane.partition}]`;
        for (const { reject } of entries) reject(failureOf(id, error, place, maybe));
        return;
      }
      await sleep(env, pause);
    }
  }

  async #try(lane: Lane, entries: readonly Entry[]): Promise<BatchOutcome> {
    const { topic, partition, sequence } = lane;
    const found = this.#cluster.known(topic) ?? (await this.#cluster.refresh([topic]))[0];
    const nodeId = found?.leaders[partition];
    if (nodeId === undefined) return { error: "UNKNOWN_TOPIC_OR_PARTITION", reason: "not there" };
    lane.identity ??= await this.#own();
    const { identity } = lane;
    const records = entries.map(({ record }) => record);
    return new Promise((settle, fail) => {
      const batch = { topic, partition, records, sequence, nodeId, identity, settle, fail };
      if (this.#posted.push(batch) === 1) this.#cluster.env.defer(() => this.#post());
    });
  }

  /** Sends what waits: one request for each node and identity. */
  #post(): void {
    const groups = new Map<string, Posted[]>();
    for (const batch of this.#posted.splice(0)) {
      const { nodeId, identity } = batch;
      const name = `${nodeId}/${identity.producerId}/${identity.epoch}`;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [batch]);
      else group.push(batch);
    }
    for (const group of groups.values()) {
      const { nodeId, identity } = group[0]!;
      produceOnce(this.#cluster, "produce", nodeId, identity, group).then(
        (outcomes) => outcomes.forEach((outcome, at) => group[at]!.settle(outcome)),
        (error: unknown) => group.forEach(({ fail }) => fail(error)),
      );
    }
  }

  async #own(): Promise<Identity> {
    this.#identity ??= identify(this.#cluster, "produce");
    try {
      return await this.#identity;
    } catch (error) {
      this.#identity = undefined;
      throw error;
    }
  }

  /** Begins anew in one partition, under a newer epoch: nothing of the older one is taken there any more (KIP-360). */
  #renew(lane: Lane): void {
    lane.sequence = 0;
    const { identity } = lane;
    if (identity === undefined) return;
    if (identity.epoch < epochMax) lane.identity = { ...identity, epoch: identity.epoch + 1 };
    else {
      this.#identity = undefined;
      lane.identity = undefined;
    }
  }
}

function settled(lane: Lane, entries: readonly Entry[], offset: number | undefined): void {
  lane.sequence = (lane.sequence + entries.length) % (sequenceMax + 1);
  entries.forEach(({ resolve }, at) => resolve(offset === undefined ? undefined : offset + at));
}

function passes(id: string | undefined, error: unknown): boolean {
  return id === undefined ? isPassing(error) : isPassingId(id);
}

function failureOf(
  id: string | undefined,
  error: unknown,
  what: string,
  maybe: boolean,
): TrunklineError {
  const executed = maybe ? "maybe" : "no";
  if (id === undefined)
    return isTrunklineError(error) && (!maybe || error.executed === "maybe")
      ? error
      : systemError("UNAVAILABLE", `${what}: ${(error as Error).message}`, {
          executed,
          cause: error,
        });
  const { code, advice } = translated({ apiId: id }, what, executed);
  return systemError(code as "UNAVAILABLE", `${what}: ${id}`, {
    executed,
    advice,
    cause: error,
  });
}
