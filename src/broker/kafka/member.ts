import { consumerGroupHeartbeatV0 } from "@platformatic/kafka";
import { alarmAt } from "../../base/alarm.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Cluster } from "./cluster.ts";
import { hasId, isPassing, translated } from "./errors.ts";
import type { Committer } from "./offsets.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface MemberHooks {
  /** These came; resolves when they are consumed. */
  gained(partitions: readonly TopicPartition[], epoch: number): Promise<void>;
  /** These go to somebody else; resolves when they may. */
  revoking(partitions: readonly TopicPartition[]): Promise<void>;
  /** All are gone: the group has put this member out. */
  lost(): void;
}

/** How long a member that has nothing waits for something before it counts as joined, in milliseconds. Kafka 4.3 assigns once a second. */
const firstMs = 3_000;
/** The first pause while a member has nothing, in milliseconds, doubled each time: the coordinator assigns a moment after it has answered. */
const eagerMs = 20;
/** Besides what the revoked are waited for, in milliseconds: for their commit, and for the beat that tells of it. */
const rebalanceSlackMs = 5_000;
const beatMsFirst = 1_000;
const pauseMs = 200;

const putOut = ["FENCED_MEMBER_EPOCH", "UNKNOWN_MEMBER_ID"] as const;

/** True when the group says that this member is none any more. */
export function isPutOut(error: unknown): boolean {
  return hasId(error, ...putOut);
}

/**
 * A member of a consumer group by the protocol of KIP-848 (Kafka 4.0): the group's coordinator assigns partitions, and gives one to somebody
 * else only when its owner has let it go, or is put out. Others go on meanwhile.
 */
export class Member {
  readonly #cluster: Cluster;
  readonly #groupId: string;
  readonly #topics: readonly string[];
  readonly #rebalanceMs: number;
  readonly #hooks: MemberHooks;
  readonly #purpose: string;
  #memberId: string;
  #epoch = 0;
  /** Rises when the group has put this member out: what was begun before is void. */
  #life = 0;
  #owned: readonly TopicPartition[] = [];
  #target: readonly TopicPartition[] = [];
  #reconciling: Promise<void> | undefined;
  #failure: Error | undefined;
  #alarm: Alarm | undefined;
  #wake: (() => void) | undefined;
  #wanted = false;
  #closed = false;
  #running: Promise<void> = Promise.resolve();

  constructor(
    cluster: Cluster,
    terms: { groupId: string; topics: readonly string[]; revokeMs: number; purpose: string },
    hooks: MemberHooks,
  ) {
    this.#cluster = cluster;
    this.#groupId = terms.groupId;
    this.#topics = terms.topics;
    this.#rebalanceMs = terms.revokeMs + rebalanceSlackMs;
    this.#purpose = terms.purpose;
    this.#hooks = hooks;
    this.#memberId = uuidv7(cluster.env);
  }

  /** In whose name is committed. */
  get committer(): Committer {
    return { memberId: this.#memberId, epoch: this.#epoch };
  }

  /**
   * Joins, lets `joined` do in its name what it has to, and resolves when it consumes what it was given, or when it was given nothing for a
   * while: there may be more members than partitions.
   */
  async join(joined: () => Promise<void>): Promise<void> {
    let pause = await this.#cluster.persist(`joining ${this.#groupId}`, () => this.#beat());
    const { env } = this.#cluster;
    const until = env.now() + firstMs;
    try {
      await joined();
      for (let eager = eagerMs; ; eager *= 2) {
        await this.#reconciling;
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#owned.length > 0 || env.now() > until) break;
        await this.#pause(Math.min(eager, pause));
        pause = await this.#cluster.persist(`joining ${this.#groupId}`, () => this.#beat());
      }
    } catch (error) {
      await this.#send(-1).catch(() => {});
      this.#epoch = 0;
      throw error;
    }
    this.#running = this.#run(pause);
  }

  /** Asks the group now: it may know better. */
  beat(): void {
    this.#wanted = true;
    this.#wake?.();
  }

  /** Leaves: what it owned goes to others at once. */
  async leave(): Promise<void> {
    this.#closed = true;
    this.beat();
    await this.#running;
    if (this.#epoch > 0) await this.#send(-1).catch(() => {});
    await this.#cluster.leave(this.#purpose);
  }

  async #run(beatMs: number): Promise<void> {
    let pause = beatMs;
    let eager = eagerMs;
    while (!this.#closed) {
      await this.#pause(this.#target.length > 0 ? pause : Math.min(pause, eager));
      if (this.#closed) return;
      eager *= 2;
      try {
        pause = await this.#beat();
      } catch (error) {
        if (!isPutOut(error)) {
          pause = isPassing(error) ? pauseMs : beatMsFirst;
          continue;
        }
        this.#putOut();
        pause = 0;
        eager = eagerMs;
      }
    }
  }

  #putOut(): void {
    this.#life++;
    this.#memberId = uuidv7(this.#cluster.env);
    this.#epoch = 0;
    this.#owned = [];
    this.#target = [];
    this.#hooks.lost();
  }

  /** One heartbeat; gives the milliseconds until the next one. */
  async #beat(): Promise<number> {
    this.#wanted = false;
    const life = this.#life;
    const answer = await this.#send(this.#epoch);
    if (life !== this.#life) return 0;
    this.#epoch = answer.memberEpoch;
    if (answer.assignment !== null) this.#target = await this.#named(answer.assignment);
    // What fails is tried again after the next beat: it still is not what it was given.
    this.#reconciling ??= this.#reconcile()
      .then(
        () => (this.#failure = undefined),
        (error: unknown) => (this.#failure = translated(error, `consuming ${this.#groupId}`, "no")),
      )
      .then(() => (this.#reconciling = undefined));
    return answer.heartbeatIntervalMs;
  }

  async #send(epoch: number): ReturnType<typeof consumerGroupHeartbeatV0.api.async> {
    const owned = [];
    for (const topic of this.#topics) {
      const partitions = this.#owned.filter((each) => each.topic === topic);
      if (partitions.length === 0) continue;
      const topicId = this.#cluster.known(topic)?.id ?? (await this.#cluster.topic(topic))?.id;
      if (topicId !== undefined)
        owned.push({ topicId, partitions: partitions.map(({ partition }) => partition) });
    }
    return this.#cluster.askCoordinator(
      "group",
      this.#groupId,
      this.#purpose,
      consumerGroupHeartbeatV0,
      this.#groupId,
      this.#memberId,
      epoch,
      null,
      null,
      this.#rebalanceMs,
      [...this.#topics],
      null,
      null,
      owned,
    );
  }

  async #named(assignment: {
    readonly topicPartitions: readonly {
      readonly topicId: string;
      readonly partitions: readonly number[];
    }[];
  }): Promise<readonly TopicPartition[]> {
    const { topicPartitions } = assignment;
    const find = (id: string): string | undefined =>
      this.#topics.find((topic) => this.#cluster.known(topic)?.id === id);
    if (topicPartitions.some(({ topicId }) => find(topicId) === undefined))
      await this.#cluster.refresh(this.#topics);
    return topicPartitions.flatMap(({ topicId, partitions }) => {
      const topic = find(topicId);
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }));
    });
  }

  /** Lets go, then takes, until what it has is what it was given. Heartbeats go on meanwhile. */
  async #reconcile(): Promise<void> {
    const life = this.#life;
    for (;;) {
      const target = this.#target;
      const going = without(this.#owned, target);
      if (going.length > 0) {
        await this.#hooks.revoking(going);
        if (life !== this.#life) return;
        this.#owned = without(this.#owned, going);
      }
      const coming = without(target, this.#owned);
      if (coming.length > 0) {
        await this.#hooks.gained(coming, this.#epoch);
        if (life !== this.#life) return;
        this.#owned = [...this.#owned, ...coming];
      }
      if (going.length > 0 || coming.length > 0) this.beat();
      if (target === this.#target) return;
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#wanted || ms <= 0) return Promise.resolve();
    const { env } = this.#cluster;
    return new Promise((resolve) => {
      const go = (): void => {
        if (this.#alarm !== undefined) env.clear(this.#alarm);
        this.#alarm = undefined;
        this.#wake = undefined;
        resolve();
      };
      this.#wake = go;
      this.#alarm = alarmAt(env, env.now() + ms, go);
    });
  }
}

/** What of `all` is not in `some`. */
function without(
  all: readonly TopicPartition[],
  some: readonly TopicPartition[],
): readonly TopicPartition[] {
  return all.filter(
    (each) =>
      !some.some(({ topic, partition }) => topic === each.topic && partition === each.partition),
  );
}
