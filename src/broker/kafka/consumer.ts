import { sleep } from "../../base/alarm.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Consumer, Delivery, Outgoing, Subscription } from "../broker.ts";
import type { Cluster } from "./cluster.ts";
import { Completion } from "./completion.ts";
import { fenced, hasId, isPassing, translated } from "./errors.ts";
import { Fetcher, until } from "./fetcher.ts";
import { isPutOut, Member, type TopicPartition } from "./member.ts";
import { commitOffsets, committedOffsets, offsetsAt } from "./offsets.ts";
import { Owned, type OwnedHooks, type Settling } from "./owned.ts";
import { isAborted, type Placed, type Transactions } from "./transactions.ts";

export interface ConsumerTerms {
  readonly subscription: Subscription;
  /** The topic of the channel, and the one of what is meant for this group alone. */
  readonly topics: readonly string[];
  /** Undefined: this consumer alone, and nothing is kept. */
  readonly groupId: string | undefined;
  /** The topic of one partition whose owner alone consumes; undefined: each member has its share. */
  readonly exclusiveBy: string | undefined;
  readonly purpose: string;
  place(outputs: readonly Outgoing[]): Promise<readonly Placed[]>;
  readonly transactions: () => Transactions;
}

const revokeMsDefault = 10_000;
const pauseMs = 50;

interface Part {
  readonly owned: Owned;
  readonly settling: readonly Settling[];
}

/** Consumes the partitions that a group gives to this member, or all of a topic. */
export class KafkaConsumer implements Consumer {
  readonly #cluster: Cluster;
  readonly #terms: ConsumerTerms;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #fetcher: Fetcher;
  readonly #member: Member | undefined;
  readonly #hooks: OwnedHooks;
  #owned: readonly Owned[] = [];
  #turn = 0;
  #paused = false;
  /** One commit at a time: an older one must not arrive behind a newer. */
  #last: Promise<void> = Promise.resolve();
  #committing = false;
  #pumping = false;
  /** The group's coordinator takes less metadata than is needed: only offsets are committed. */
  #bare = false;
  /** Nothing is taken before the group has its place. */
  #placed: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(
    cluster: Cluster,
    terms: ConsumerTerms,
    deliver: (batch: readonly Delivery[]) => void,
  ) {
    this.#cluster = cluster;
    this.#terms = terms;
    this.#deliver = deliver;
    this.#fetcher = new Fetcher(cluster);
    const { subscription, groupId, topics, exclusiveBy, purpose } = terms;
    this.#hooks = {
      wall: () => cluster.env.wall(),
      prefetch: subscription.prefetch,
      place: (outputs) => terms.place(outputs),
      dirty: () => this.#commitSoon(),
      ready: () => this.#pumpSoon(),
      astray: (owned) => void this.#find(owned),
    };
    if (groupId === undefined) return;
    const { revokeMs = revokeMsDefault } = subscription;
    this.#member = new Member(
      cluster,
      {
        groupId,
        topics: exclusiveBy === undefined ? topics : [exclusiveBy],
        revokeMs,
        purpose: `member ${purpose}`,
      },
      {
        gained: async (partitions, epoch) => {
          await this.#placed;
          await this.#gain(await this.#meant(partitions), epoch);
        },
        revoking: (partitions) => this.#revoke(this.#ownedOf(partitions)),
        lost: () => this.#lose(),
      },
    );
  }

  async open(): Promise<void> {
    if (this.#member !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#placed = promise;
      return this.#member.join(() => this.#placeGroup().finally(resolve));
    }
    const partitions = await this.#all();
    await this.#gain(partitions, 1);
  }

  get shards(): readonly string[] {
    return this.#owned.map(({ shard }) => shard);
  }

  pause(): void {
    this.#paused = true;
    for (const owned of this.#owned) owned.pause(true);
  }

  resume(): void {
    this.#paused = false;
    for (const owned of this.#owned) owned.pause(false);
    this.#fetcher.wake();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const all = this.#owned;
    for (const owned of all) owned.leaving = true;
    await this.#letGo(all);
    await this.#member?.leave();
    await this.#fetcher.close();
  }

  /** All partitions of the topics: of the second one only if it is there. */
  async #all(): Promise<readonly TopicPartition[]> {
    const found = [];
    for (const topic of this.#terms.topics)
      for (const partition of (await this.#cluster.topic(topic))?.leaders.keys() ?? [])
        found.push({ topic, partition });
    return found;
  }

  /** What a member was given stands for: itself, or everything, where one alone consumes. */
  async #meant(partitions: readonly TopicPartition[]): Promise<readonly TopicPartition[]> {
    return this.#terms.exclusiveBy === undefined ? partitions : this.#all();
  }

  #ownedOf(partitions: readonly TopicPartition[]): readonly Owned[] {
    if (this.#terms.exclusiveBy !== undefined) return this.#owned;
    return this.#owned.filter((owned) =>
      partitions.some(
        ({ topic, partition }) => topic === owned.topic && partition === owned.partition,
      ),
    );
  }

  async #gain(partitions: readonly TopicPartition[], generation: number): Promise<void> {
    const gained: Owned[] = [];
    for (const topic of new Set(partitions.map((each) => each.topic))) {
      const own = partitions
        .filter((each) => each.topic === topic)
        .map(({ partition }) => partition);
      const completions = await this.#completions(topic, own);
      for (const partition of own) {
        const completion = completions.get(partition) ?? new Completion(0);
        const committed = this.#member !== undefined;
        gained.push(
          new Owned({ topic, partition, generation, completion, committed }, this.#hooks),
        );
      }
    }
    this.#owned = [...this.#owned, ...gained];
    for (const owned of gained) {
      owned.pause(this.#paused);
      this.#terms.subscription.assigned?.(owned.shard);
      this.#fetcher.add(owned);
    }
  }

  /** Where each partition goes on, or begins. */
  async #completions(
    topic: string,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, Completion>> {
    const { groupId, subscription } = this.#terms;
    const found = new Map<number, Completion>();
    if (groupId !== undefined)
      for (const [partition, { offset, metadata }] of await committedOffsets(
        this.#cluster,
        groupId,
        topic,
        partitions,
        this.#member?.committer,
      ))
        found.set(partition, Completion.read(offset, metadata));
    const fresh = partitions.filter((partition) => !found.has(partition));
    if (fresh.length === 0) return found;
    // A queue keeps everything for whoever comes; so does what is meant for this group, and a partition that was added meanwhile.
    const from = groupId === undefined ? (subscription.from ?? "new") : "first";
    for (const [partition, offset] of await offsetsAt(this.#cluster, topic, from, fresh))
      found.set(partition, new Completion(offset));
    return found;
  }

  /**
   * From now on the group has a place in all of the topic, whoever gets which part of it and when: nothing that is published from here on is
   * missed. The ends are asked for before the places, so that of two who begin at once neither skips what the other saw.
   */
  async #placeGroup(): Promise<void> {
    const { groupId, subscription, topics } = this.#terms;
    const topic = topics[0]!;
    if (groupId === undefined || subscription.channel.shape === "queue") return;
    const begins = await offsetsAt(this.#cluster, topic, subscription.from ?? "new");
    const placed = await committedOffsets(this.#cluster, groupId, topic, [...begins.keys()]);
    const missing = [...begins].filter(([partition]) => !placed.has(partition));
    if (missing.length === 0) return;
    const offsets = missing.map(([partition, offset]) => ({
      topic,
      partition,
      offset,
      metadata: "",
    }));
    await this.#cluster.persist(
      `placing ${groupId}`,
      () => commitOffsets(this.#cluster, groupId, offsets, this.#member?.committer),
      this.#cluster.waitMs,
      (error) => isPassing(error) || hasId(error, "STALE_MEMBER_EPOCH"),
    );
  }

  async #revoke(going: readonly Owned[]): Promise<void> {
    for (const owned of going) owned.leaving = true;
    const { revoking, revokeMs = revokeMsDefault } = this.#terms.subscription;
    if (revoking !== undefined) {
      const asked = going.map(async ({ shard }) => revoking(shard));
      const { over, stop } = until(this.#cluster, revokeMs);
      await Promise.race([Promise.allSettled(asked), over]);
      stop();
    }
    await this.#letGo(going);
  }

  /** Commits what is done and how often the rest was tried, and ends. */
  async #letGo(going: readonly Owned[]): Promise<void> {
    if (this.#member !== undefined) {
      const { waitMs } = this.#cluster;
      const last = this.#last.then(() =>
        this.#commit(
          going.filter(({ ended }) => !ended),
          waitMs,
        ),
      );
      this.#last = last;
      await last;
    }
    this.#drop(going);
  }

  #drop(gone: readonly Owned[]): void {
    for (const owned of gone) {
      owned.end();
      this.#fetcher.remove(owned);
    }
    this.#owned = this.#owned.filter((each) => !gone.includes(each));
  }

  #lose(): void {
    const gone = this.#owned;
    this.#drop(gone);
    for (const { shard } of gone) this.#terms.subscription.lost?.(shard);
  }

  async #find(owned: Owned): Promise<void> {
    const { topic, partition } = owned;
    const first = await offsetsAt(this.#cluster, topic, "first", [partition]).catch(
      () => undefined,
    );
    const begin = first?.get(partition);
    if (begin === undefined || owned.ended) return;
    if (owned.position < begin) return owned.moveTo(begin);
    const last = await offsetsAt(this.#cluster, topic, "new", [partition]).catch(() => undefined);
    const end = last?.get(partition);
    if (end !== undefined && owned.position > end) owned.moveTo(end);
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#cluster.env.defer(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Hands out what there is, one of each partition in turn, as far as prefetch allows. */
  #pump(): void {
    const batch: Delivery[] = [];
    let room = this.#terms.subscription.prefetch;
    for (const owned of this.#owned) room -= owned.unsettled;
    const dry = new Set<Owned>();
    while (room > 0 && dry.size < this.#owned.length) {
      const owned = this.#owned[this.#turn++ % this.#owned.length]!;
      const delivery = dry.has(owned) ? undefined : owned.next();
      if (delivery === undefined) dry.add(owned);
      else {
        batch.push(delivery);
        room--;
      }
    }
    if (batch.length > 0) this.#deliver(batch);
    this.#fetcher.wake();
  }

  #commitSoon(): void {
    if (this.#committing) return;
    this.#committing = true;
    // At the end of the turn: what is settled in one turn goes together.
    const turn = new Promise<void>((resolve) => this.#cluster.env.defer(resolve));
    this.#last = Promise.all([this.#last, turn]).then(() => {
      this.#committing = false;
      return this.#commit(this.#owned.filter(({ dirty }) => dirty));
    });
  }

  /**
   * Commits what is to be settled, again and again while the group lets this member: only who is put out is told that it is fenced.
   * Never rejects.
   */
  async #commit(some: readonly Owned[], waitMs?: number): Promise<void> {
    const { env } = this.#cluster;
    const over = waitMs === undefined ? Number.POSITIVE_INFINITY : env.now() + waitMs;
    let parts: readonly Part[] = some.map((owned) => ({ owned, settling: owned.takeSettling() }));
    while (parts.length > 0) {
      const offsets = parts.map(({ owned, settling }) => owned.written(settling));
      const by = this.#member!.committer;
      try {
        await this.#write(parts, offsets);
        parts.forEach(({ owned, settling }, at) => owned.settled(settling, offsets[at]!.mark));
        return;
      } catch (error) {
        parts = this.#live(parts, error);
        if (parts.length === 0) return;
        if (hasId(error, "OFFSET_METADATA_TOO_LARGE")) this.#bare = true;
        else if (isPutOut(error) || hasId(error, "STALE_MEMBER_EPOCH", "ILLEGAL_GENERATION")) {
          // The group is at another epoch: the next beat says whether this member still is in it.
          if (by.epoch === this.#member!.committer.epoch) this.#member!.beat();
        } else if (!(isPassing(error) || isAborted(error)) || isMaybe(error) || env.now() > over)
          return this.#failed(parts, error);
        await sleep(env, pauseMs);
        parts = this.#live(parts, error);
      }
    }
  }

  /** Those that still are this consumer's; the others are fenced. */
  #live(parts: readonly Part[], error: unknown): readonly Part[] {
    return parts.filter(({ owned, settling }) => {
      if (!owned.ended) return true;
      owned.unsettle(settling, fenced(owned.shard, error));
      return false;
    });
  }

  #failed(parts: readonly Part[], error: unknown): void {
    const told = translated(error, `${this.#cluster.address}: settling`, "maybe");
    for (const { owned, settling } of parts) owned.unsettle(settling, told);
    if (!isMaybe(error)) return;
    // Nobody knows what is committed: they are taken anew, as the group knows them.
    const gone = parts.map(({ owned }) => owned);
    this.#drop(gone);
    for (const { shard } of gone) this.#terms.subscription.lost?.(shard);
    void this.#gain(gone, this.#member!.committer.epoch).catch(() => this.#member!.beat());
  }

  async #write(
    parts: readonly Part[],
    offsets: readonly ReturnType<Owned["written"]>[],
  ): Promise<void> {
    const groupId = this.#terms.groupId!;
    const written = this.#bare ? offsets.map((each) => ({ ...each, metadata: "" })) : offsets;
    const by = this.#member!.committer;
    const outputs = parts.flatMap(({ settling }) => settling.flatMap((each) => each.outputs));
    if (outputs.length === 0) return commitOffsets(this.#cluster, groupId, written, by);
    await this.#terms.transactions().commit(outputs, groupId, written, by);
  }
}

function isMaybe(error: unknown): boolean {
  return isTrunklineError(error) && error.executed === "maybe";
}
