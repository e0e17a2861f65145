import { alarmAt } from "../base/alarm.ts";
import { channels, type MessageEvent } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import type { OperationName } from "../base/handler.ts";
import { attribute } from "../broker/attributes.ts";
import type { Broker, Consumer, Delivery, Subscription } from "../broker/broker.ts";
import type { Channel } from "../broker/channel.ts";
import type { ConsumerStats, ConsumerTerms } from "./consumer-terms.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { noteOf } from "./failure-note.ts";
import { Distribution } from "./hot-keys/distribution.ts";
import { laneOf } from "./hot-keys/placement.ts";
import { KeyLanes } from "./key-lanes.ts";
import { isExpired } from "./message-text.ts";
import { RecentIds } from "./recent-ids.ts";
import { pauseBefore } from "./retry.ts";
import { Shards } from "./shards.ts";
import { Task, type TaskOwner } from "./task.ts";
import { Tally } from "./tally.ts";
import type { Ended, Ending, FailureNote, Outcome, Work } from "./work.ts";

/** Deliveries of one message beyond those that failures explain, after which it is taken to end its consumers (IN-5). */
const crashesMax = 20;
/** Pauses shorter than that are waited out here, longer ones at the broker where it can and no order is asked. */
const heldMsMax = 1_000;
/** Between attempts at a message for which its shard stops, in milliseconds. */
const stoppedMs = 30_000;

type Retry = Extract<Outcome, { readonly kind: "retry" }>;

/** What a consumer is made of. */
export interface ConsumerParts {
  readonly broker: Broker;
  readonly channel: Channel;
  /** Undefined: of a queue. */
  readonly group: string | undefined;
  readonly operation: OperationName;
  readonly terms: ConsumerTerms;
  readonly work: Work;
  readonly ended: Ended;
  readonly dead: DeadLetters;
  /** The data of a delivery as it came, for filters. */
  readonly dataOf: (delivery: Delivery) => unknown;
  readonly env: Env;
}

/**
 * Consumes one channel for one group: order per key with other keys going on, attempts and pauses, duplicates, dead letters,
 * and what is settled with the broker when. A message is acked after it was handled, never before, unless its channel delivers
 * at most once; what fails is tried again, and never acked before it is safe with the dead letters.
 */
export class MessageConsumer implements TaskOwner {
  readonly #parts: ConsumerParts;
  readonly #lanes = new KeyLanes<Task>();
  readonly #recent: RecentIds;
  readonly #tally = new Tally();
  readonly #distribution: Distribution;
  /** All that is delivered and not settled. */
  readonly #tasks = new Set<Task>();
  #ready: Task[] = [];
  #running = 0;
  readonly #shards: Shards;
  #crashBuried = false;
  #stopping = false;
  #consumer: Consumer | undefined;
  /** Those that would know when some attempt has ended. */
  #watchers: (() => void)[] = [];

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
    this.#recent = new RecentIds(parts.terms.remembered);
    this.#distribution = new Distribution(parts.env.now());
    this.#shards = new Shards({
      prepare: (shard) => parts.dead.assigned(shard),
      accept: (delivery) => this.#accept(delivery),
      env: parts.env,
    });
  }

  /** Subscribes. Rejects with the broker's error. */
  async start(): Promise<void> {
    const { broker, channel, group, terms } = this.#parts;
    const subscription: Subscription = {
      channel,
      group,
      prefetch: terms.prefetch,
      from: terms.from,
      ...(terms.filter?.pushedDown === undefined ? {} : { filter: terms.filter.pushedDown }),
      assigned: (shard) => this.#shards.assigned(shard),
      revoking: (shard) => this.#revoking(shard),
      lost: (shard) => this.#lost(shard),
    };
    this.#consumer = await broker.consume(subscription, (batch) => {
      for (const delivery of batch) this.#shards.arrived(delivery);
    });
  }

  stats(): ConsumerStats {
    const { operation, group, channel, dead } = this.#parts;
    return {
      operation: operation.name,
      channel: channel.name,
      group: group ?? channel.name,
      ...this.#tally.counts(),
      running: this.#running,
      waiting: this.#tasks.size - this.#running,
      blockedKeys: dead.blockedKeys().length,
      shards: this.#consumer?.shards ?? [],
      distribution: this.#distribution.stats(this.#parts.env.now()),
    };
  }

  get running(): number {
    return this.#running;
  }

  /**
   * Fetches no more, lets the attempts under way end within `withinMs`, and leaves the group; what was not begun goes to others.
   * Resolves with the attempts that were cut short.
   */
  async stop(withinMs: number): Promise<number> {
    const { env, dead } = this.#parts;
    this.#stopping = true;
    this.#shards.end();
    this.#consumer?.pause();
    this.#forget(idle);
    await this.#until(() => this.#tasks.size === 0, env.now() + withinMs);
    const cut = this.#running;
    for (const task of this.#tasks) {
      task.abort("the consumer stops");
      task.run++; // whatever it still says is not heard
    }
    await this.#consumer?.close();
    this.#forget(() => true);
    await dead.close();
    return cut;
  }

  #accept(delivery: Delivery): void {
    if (this.#stopping) return;
    const { channel, group, terms, env } = this.#parts;
    const key = !channel.ordered
      ? undefined
      : terms.dead === "stop-shard"
        ? delivery.shard
        : laneOf(delivery.envelope);
    this.#distribution.arrived(delivery.shard, delivery.envelope.subject);
    const task = new Task(delivery, group ?? channel.name, key, terms.withinMs, this, env);
    this.#tasks.add(task);
    if (this.#lanes.enter(task)) this.#ready.push(task);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < this.#parts.terms.concurrency) {
      const task = this.#ready.shift();
      if (task === undefined) return;
      this.#running++;
      this.#distribution.begins(this.#parts.env.now());
      task.begin();
      void this.#attempt(task, task.run);
    }
  }

  /** One attempt; `run` tells it from later ones, in case it comes back when nobody waits for it any more. */
  async #attempt(task: Task, run: number): Promise<void> {
    const { channel, work } = this.#parts;
    let outcome: Outcome | "settled";
    try {
      outcome = (await this.#withoutWork(task)) ?? (await work(task));
    } catch (error) {
      outcome = { kind: "retry", failure: noteOf(error) };
    }
    if (task.run !== run) return;
    if (outcome !== "settled") await this.#conclude(task, outcome, channel);
    if (task.run === run) this.#over(task);
  }

  /** What can be said of a message without doing what it asks for; undefined: it is to be done. */
  async #withoutWork(task: Task): Promise<Outcome | "settled" | undefined> {
    const { terms, dead, dataOf, env, channel } = this.#parts;
    const { delivery, envelope } = task;
    if (delivery.malformed !== undefined)
      return deadOf({ why: "malformed", code: "INVALID_ARGUMENT", reason: delivery.malformed });
    if (envelope.id === "")
      return deadOf({ why: "malformed", code: "INVALID_ARGUMENT", reason: "it has no id" });
    if (isExpired(envelope, env.wall())) return this.#settledUnseen(task, "expired");
    const { filter } = terms;
    if (filter?.wants(envelope) === false) return this.#settledUnseen(task, "unwanted");
    if (this.#recent.has(envelope.id)) return this.#settledUnseen(task, "duplicate");
    if (dead.blocks(delivery))
      return deadOf({ why: "blocked", code: "UNAVAILABLE", reason: "an earlier one is dead" });
    if (this.#crashes(delivery))
      return deadOf({
        why: "crashed",
        code: "UNAVAILABLE",
        reason: `it was delivered ${delivery.attempt} times, and its consumers ended each time`,
      });
    if (filter?.wantsData !== undefined) {
      try {
        if (!filter.wantsData(envelope, dataOf(delivery)))
          return await this.#settledUnseen(task, "unwanted");
      } catch (error) {
        return deadOf({ ...noteOf(error), why: "invalid" });
      }
    }
    if (channel.guarantee === "at-most-once") {
      try {
        await delivery.ack();
      } catch (error) {
        this.#unsettled(task, error);
        this.#settled(task);
        return "settled";
      }
    }
    return undefined;
  }

  /**
   * What ends the process is in front of all that is delivered again with it, as those before it were done. So it is the first
   * one, and only that, which is taken for the culprit in the life of a consumer.
   */
  #crashes(delivery: Delivery): boolean {
    const { soon, later } = this.#parts.terms.retry;
    if (this.#crashBuried || delivery.attempt <= soon + later + 1 + crashesMax) return false;
    this.#crashBuried = true;
    return true;
  }

  async #settledUnseen(
    task: Task,
    outcome: "expired" | "unwanted" | "duplicate",
  ): Promise<"settled"> {
    // For who waits for a receipt of this group it is done.
    if (outcome !== "expired") await this.#parts.ended(task, "handled");
    this.#tell(task, outcome);
    this.#parts.dead.handled(task.delivery);
    void this.#ack(task);
    return "settled";
  }

  async #conclude(task: Task, outcome: Outcome, channel: Channel): Promise<void> {
    if (outcome.kind === "done") {
      this.#recent.add(task.envelope.id);
      await this.#parts.ended(task, "handled");
      this.#parts.dead.handled(task.delivery);
      this.#tell(task, outcome.duplicate === true ? "duplicate" : "handled");
      // Whoever is next of its key need not wait for that: were it lost, both would come again, in their order.
      if (channel.guarantee !== "at-most-once") void this.#ack(task, outcome.outputs);
      else this.#settled(task);
      return;
    }
    const pause = outcome.kind === "retry" ? this.#pauseOf(task, outcome) : undefined;
    if (outcome.kind === "dead") task.note(outcome.failure);
    if (channel.guarantee === "at-most-once") {
      this.#tell(task, "lost", outcome.failure);
      this.#settled(task);
    } else if (pause === undefined && this.#stops(outcome.failure)) {
      this.#parts.dead.stopped(task.delivery, outcome.failure);
      await this.#again(task, stoppedMs, outcome.failure);
    } else if (pause === undefined) await this.#bury(task, outcome.failure);
    else await this.#again(task, pause, outcome.failure);
  }

  /** Whether its shard stops for a failure. What can never be handled, or must not be, does not stop anybody. */
  #stops({ why }: FailureNote): boolean {
    const { terms, channel } = this.#parts;
    return (
      terms.dead === "stop-shard" && channel.ordered && why !== "rejected" && why !== "malformed"
    );
  }

  /** How long to wait before the next attempt; undefined: there is none. */
  #pauseOf(task: Task, { failure, afterMs, blameless }: Retry): number | undefined {
    const { terms, env } = this.#parts;
    if (blameless !== true) task.note(failure);
    if (afterMs !== undefined) return afterMs;
    const failures = task.delivery.attempt - 1 + task.failures;
    return pauseBefore(terms.retry, failures, env.now() - task.firstFailureAt, () => env.random());
  }

  async #again(task: Task, pauseMs: number, failure: FailureNote): Promise<void> {
    const { broker, env } = this.#parts;
    this.#tell(task, "retry", failure);
    if (task.key === undefined && pauseMs > heldMsMax && broker.capabilities.delay) {
      try {
        await task.delivery.release(env.wall() + pauseMs);
      } catch (error) {
        this.#unsettled(task, error);
      }
      this.#settled(task);
    } else task.hold(env.now() + pauseMs);
  }

  async #bury(task: Task, failure: FailureNote): Promise<void> {
    const { dead, ended } = this.#parts;
    const ending: Ending = failure.why === "rejected" ? "rejected" : "parked";
    // Were one before it to come again because its ack was lost, it would find its key blocked, though it was handled.
    const before = (other: Task): boolean =>
      other !== task && other.key === task.key && other.state === "over";
    if (task.key !== undefined) await this.#until(() => ![...this.#tasks].some(before), Infinity);
    try {
      await dead.bury(task.delivery, {
        first: task.first ?? failure,
        last: failure,
        attempts: task.delivery.attempt - 1 + task.failures,
      });
      this.#tell(task, "dead", failure);
      await ended(task, ending);
    } catch (error) {
      this.#unsettled(task, error);
    }
    this.#settled(task);
  }

  async #ack(task: Task, outputs?: Parameters<Delivery["ack"]>[0]): Promise<void> {
    task.rest("over");
    try {
      await (outputs === undefined || outputs.length === 0
        ? task.delivery.ack()
        : task.delivery.ack(outputs));
    } catch (error) {
      // With outputs nothing of it has happened: it must not be taken for done when it comes again.
      if (outputs !== undefined && outputs.length > 0) this.#recent.forget(task.envelope.id);
      this.#unsettled(task, error);
    } finally {
      this.#settled(task);
    }
  }

  /** It is the broker's again. */
  #settled(task: Task): void {
    task.rest("over");
    this.#tasks.delete(task);
    this.#watchers.forEach((tell) => tell());
  }

  /** The broker has not settled it, and delivers it again. */
  #unsettled(task: Task, error: unknown): void {
    this.#tell(task, "fenced", noteOf(error));
    if (isTrunklineError(error) && error.gate === "fenced") return;
    void task.delivery.release().catch(() => undefined);
  }

  /** The attempt is over, whatever came of it. */
  #over(task: Task): void {
    this.#running--;
    this.#distribution.ends(this.#parts.env.now());
    if (task.state !== "held") {
      const next = this.#lanes.leave(task);
      if (next !== undefined) this.#ready.push(next);
    }
    this.#pump();
    this.#watchers.forEach((tell) => tell());
  }

  /** The pause is over. */
  due(task: Task): void {
    this.#ready.push(task);
    this.#pump();
  }

  stuck(task: Task): void {
    const run = ++task.run; // whatever it still says is not heard
    const reason = `it took longer than ${this.#parts.terms.withinMs} ms, and did not stop when it was told to`;
    const failure: FailureNote = { why: "failed", code: "DEADLINE_EXCEEDED", reason };
    void this.#conclude(task, { kind: "retry", failure }, this.#parts.channel).then(() => {
      if (task.run === run) this.#over(task);
    });
  }

  async #revoking(shard: string): Promise<void> {
    this.#shards.given(shard);
    const own = (task: Task): boolean => task.delivery.shard === shard;
    this.#forget((task) => own(task) && idle(task));
    await this.#until(() => ![...this.#tasks].some(own), Infinity);
  }

  #lost(shard: string): void {
    this.#shards.lost(shard);
    this.#parts.dead.lost(shard);
    for (const task of this.#tasks)
      if (task.delivery.shard === shard) task.abort("its shard belongs to somebody else");
    this.#forget((task) => task.delivery.shard === shard && idle(task));
  }

  /** They were not begun, or wait for their next attempt: they come to whoever has the shard next. */
  #forget(unwanted: (task: Task) => boolean): void {
    this.#lanes.drop(unwanted);
    // Those behind in a lane are of the same shard, and dropped before: nobody comes to his turn by this.
    for (const task of this.#ready.filter(unwanted)) this.#lanes.leave(task);
    this.#ready = this.#ready.filter((task) => !unwanted(task));
    for (const task of [...this.#tasks].filter(unwanted)) {
      if (task.state === "held") this.#lanes.leave(task);
      this.#settled(task);
    }
  }

  async #until(reached: () => boolean, dueMs: number): Promise<void> {
    if (reached() || dueMs <= this.#parts.env.now()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => void (reached() && resolve());
    this.#watchers.push(look);
    const alarm = dueMs < Infinity ? alarmAt(this.#parts.env, dueMs, resolve) : undefined;
    await promise;
    if (alarm !== undefined) this.#parts.env.clear(alarm);
    this.#watchers = this.#watchers.filter((each) => each !== look);
  }

  #tell(task: Task, outcome: MessageEvent["outcome"], failure?: FailureNote): void {
    this.#tally.count(outcome);
    if (!channels.message.hasSubscribers) return;
    const { operation, env } = this.#parts;
    const event: MessageEvent = {
      operation: operation.name,
      kind: operation.kind,
      group: task.group,
      id: task.envelope.id,
      traceparent: task.envelope.attributes[attribute.traceparent],
      outcome,
      attempt: task.attempt,
      code: failure?.code,
      reason: failure?.reason,
      durationMs: env.now() - task.startedAt,
    };
    channels.message.publish(event);
  }
}

/** Nothing of it is under way. */
function idle({ state }: Task): boolean {
  return state === "waiting" || state === "held";
}

function deadOf(failure: FailureNote): Outcome {
  return { kind: "dead", failure };
}
