import { alarmAt } from "../../base/alarm.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { AnyQueue, LaneFigures, Taken } from "./any-queue.ts";
import type { ConsumerTerms, QueueConsumer } from "./consumer.ts";
import { deadLetter, withoutCycles, type DeathReason } from "./death.ts";
import { isOnce, publishOnce } from "./deduplication.ts";
import { definitionName } from "./host-names.ts";
import type { Lane } from "./queue/lane.ts";
import { Log } from "./log/log.ts";
import type { Message } from "./message.ts";
import type { Policies } from "./policy/policies.ts";
import { queueDefinition, queueOfDefinition } from "./queue-definition.ts";
import type { RecentlyPublished } from "./recently-published.ts";
import { Refusal } from "./refusal.ts";
import { copiesOf, withoutBlind } from "./routing/copies.ts";
import { absent, called, checkReserved } from "./routing/refusals.ts";
import { Topology, type TopologyChange } from "./routing/topology.ts";
import type { Definition, FoundLane } from "./storage.ts";
import {
  queueTerms,
  type BindingTerms,
  type ExchangeTerms,
  type QueueTerms,
  type Table,
} from "./terms.ts";
import { WorkQueue, type QueueKeeper } from "./queue/work-queue.ts";

/** Queues of one virtual host. */
const queuesMax = 100_000;

/** The names of queues that are made for clients who give them none: those for direct replies among them. */
const madeHere = /^amq\.(gen-|rabbitmq\.reply-to\.)/;

/** What a virtual host asks of its node. */
export interface HostKeeper extends Omit<QueueKeeper, "bury" | "used"> {
  readonly policies: Policies;
  readonly recent: RecentlyPublished;
  /** Numbers of lanes for a queue: new ones, or those that it has. */
  numbers(count: number, owner: AnyQueueOwner, own?: readonly number[]): readonly number[];
  lane(number: number): Lane;
  /** What was found of a lane; undefined: it is new. */
  found(number: number): FoundLane | undefined;
  /** These lanes are gone: their numbers may be used again. */
  free(lanes: readonly LaneFigures[]): void;
}

/** Finds the queue that a lane belongs to. */
export type AnyQueueOwner = () => AnyQueue | undefined;

/** What became of a message that was published. */
export interface Published {
  /** How many queues it went to, those among them that had no place for it. */
  readonly queues: number;
  /** One of them had no place for it. */
  readonly refused: boolean;
  /** It is as safe as it can be when this batch is; 0: at once. */
  readonly batch: number;
}

/** A name space of its own: exchanges, queues, logs, and what is bound to what. */
export class VirtualHost implements Pick<QueueKeeper, "bury" | "used"> {
  readonly name: string;
  readonly topology: Topology;
  readonly #keeper: HostKeeper;
  readonly #queues = new Map<string, AnyQueue>();
  /** What each was declared with: policies make of it what it lives by. */
  readonly #declared = new Map<string, QueueTerms>();
  /** Of queues that go when nobody uses them for a while. */
  readonly #expiries = new Map<string, Alarm>();

  constructor(name: string, keeper: HostKeeper) {
    this.name = name;
    this.#keeper = keeper;
    const { env } = keeper;
    this.topology = new Topology({ host: name, random: () => env.random() });
  }

  /** Makes again what definitions of this host say. */
  restore(definitions: readonly Definition[]): void {
    for (const { kind, value } of definitions) {
      if (kind !== "queue") continue;
      const { terms, lanes } = queueOfDefinition(value, (name) => queueTerms({ name }));
      this.#make(terms, lanes);
    }
    this.#note(this.topology.restore(definitions));
    for (const terms of this.topology.exchanges()) this.#applyTo(terms);
  }

  /** @throws Refusal precondition-failed when one with other terms is there. */
  declareExchange(terms: ExchangeTerms): void {
    this.#note(this.topology.declare(terms));
    this.#applyTo(terms);
  }

  /** @throws Refusal precondition-failed when it is used, and must not be. */
  deleteExchange(name: string, ifUnused: boolean = false): void {
    this.#note(this.topology.delete(name, ifUnused));
  }

  bind(binding: BindingTerms): void {
    this.#note(this.topology.bind(binding));
  }

  unbind(binding: BindingTerms): void {
    this.#note(this.topology.unbind(binding));
  }

  queue(name: string): AnyQueue | undefined {
    return this.#queues.get(name);
  }

  /** What the queue of that name was declared with; it lives by `terms`, which policies have a say in. */
  declared(name: string): QueueTerms | undefined {
    return this.#declared.get(name);
  }

  get queueCount(): number {
    return this.#queues.size;
  }

  queues(): Iterable<AnyQueue> {
    return this.#queues.values();
  }

  /** The queue of that name. @throws Refusal not-found. */
  known(name: string): AnyQueue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw absent("queue", name, this.name);
    return queue;
  }

  /**
   * Makes a queue or a log, or gives back the one that is there: whether it has the same terms is for the caller to see.
   * @throws Refusal access-refused for a reserved name, not-allowed when there are too many.
   */
  declareQueue(terms: QueueTerms): AnyQueue {
    const there = this.#queues.get(terms.name);
    if (there !== undefined) {
      this.touch(there);
      return there;
    }
    if (!madeHere.test(terms.name)) checkReserved("queue", terms.name);
    if (this.#queues.size >= queuesMax)
      throw new Refusal(
        "not-allowed",
        `cannot declare ${called("queue", terms.name, this.name)}: queue limit of ${queuesMax} is reached`,
      );
    const queue = this.#make(terms);
    if (!isDurable(terms)) return queue;
    const { storage } = this.#keeper;
    const value = queueDefinition(terms, this.#lanesOf(queue));
    storage.define({ kind: "queue", name: definitionName(this.name, terms.name), value });
    storage.require("disk");
    return queue;
  }

  #lanesOf(queue: AnyQueue): readonly number[] {
    return queue.lanes.map(({ number }) => number);
  }

  #make(terms: QueueTerms, own?: readonly number[]): AnyQueue {
    const { name, kind } = terms;
    const keeper = this.#keeper;
    const numbers = keeper.numbers(laneCountOf(terms), () => this.#queues.get(name), own);
    const { storage, env, timers, policies } = keeper;
    const effective = policies.queue(this.name, terms).terms;
    const ofQueue: QueueKeeper = {
      storage,
      env,
      timers,
      bury: (message, reason, of) => this.bury(message, reason, of),
      used: (of) => this.used(of),
    };
    const queue =
      kind === "log"
        ? new Log(effective, numbers, (number) => keeper.found(number), ofQueue)
        : this.#workQueue(effective, numbers, ofQueue);
    this.#queues.set(name, queue);
    this.#declared.set(name, terms);
    this.topology.addQueue(name, isDurable(terms));
    this.touch(queue);
    return queue;
  }

  #workQueue(terms: QueueTerms, numbers: readonly number[], ofQueue: QueueKeeper): WorkQueue {
    const lanes = numbers.map((number) => this.#keeper.lane(number));
    const found = { count: 0, held: 0, bytes: 0 };
    for (const number of numbers) {
      const lane = this.#keeper.found(number);
      found.count += lane?.count ?? 0;
      found.held += lane?.held ?? 0;
      found.bytes += lane?.bytes ?? 0;
    }
    return new WorkQueue(terms, lanes, found, ofQueue);
  }

  /** Gives back how many messages it had. @throws Refusal precondition-failed when it is used or not empty, and must not be. */
  deleteQueue(
    name: string,
    { ifUnused = false, ifEmpty = false }: { ifUnused?: boolean; ifEmpty?: boolean } = {},
  ): number {
    const queue = this.#queues.get(name);
    if (queue === undefined) return 0;
    const named = called("queue", name, this.name);
    if (ifUnused && queue.consumers.length > 0)
      throw new Refusal("precondition-failed", `${named} in use`);
    if (ifEmpty && queue.ready > 0) throw new Refusal("precondition-failed", `${named} not empty`);
    const { ready } = queue;
    this.#queues.delete(name);
    this.#declared.delete(name);
    this.#forgetExpiry(name);
    this.#note(this.topology.removeQueue(name));
    if (isDurable(queue.terms)) {
      this.#keeper.storage.undefine("queue", definitionName(this.name, name));
      this.#keeper.storage.require("disk");
    }
    queue.drop(`${named} was deleted`);
    this.#keeper.free(queue.lanes);
    return ready;
  }

  /** Policies have changed: queues and exchanges live by the new ones from now on. */
  applyPolicies(): void {
    for (const [name, terms] of [...this.#declared]) {
      const queue = this.#queues.get(name);
      // A bound that is lower now sends messages on, which may delete what comes next here.
      if (queue === undefined) continue;
      queue.terms = this.#keeper.policies.queue(this.name, terms).terms;
      this.touch(queue);
    }
    for (const terms of this.topology.exchanges()) this.#applyTo(terms);
  }

  #applyTo(terms: ExchangeTerms): void {
    this.topology.alternate(terms.name, this.#keeper.policies.exchange(this.name, terms).alternate);
  }

  /** All queues that belong to somebody are gone with him. */
  leave(owner: string): void {
    for (const { name, terms } of this.#queues.values())
      if (terms.owner === owner) this.deleteQueue(name);
  }

  /** Gives back how many messages were ready. */
  purge(name: string): number {
    return this.known(name).purge();
  }

  /**
   * Publishes through an exchange. What is noted in this turn is one with it.
   * @throws Refusal when there is no such exchange; whether clients may publish there is for the caller to see (`topology.checkPublish`).
   */
  publish(message: Message, notBefore?: number): Published {
    const { exchange } = message;
    const given = exchange === "" ? undefined : this.topology.exchange(exchange)?.arguments;
    if (!isOnce(given)) return this.#publish(message, notBefore);
    const publish = (): Published => this.#publish(message, notBefore);
    return this.#once(`exchange\u0000${exchange}`, given, message, publish);
  }

  #publish(message: Message, notBefore: number | undefined): Published {
    const copies = copiesOf(message.properties);
    const names = this.topology.route(message.exchange, message, copies);
    const seen = copies?.blind === true ? withoutBlind(message) : message;
    if (names.length === 1) return this.publishTo(names[0]!, seen, notBefore);
    let refused = false;
    let batch = 0;
    for (const name of names) {
      const published = this.publishTo(name, seen, notBefore);
      refused ||= published.refused;
      batch = Math.max(batch, published.batch);
    }
    return { queues: names.length, refused, batch };
  }

  /** Publishes to a queue, past all exchanges. */
  publishTo(name: string, message: Message, notBefore?: number): Published {
    const queue = this.#queues.get(name);
    if (queue === undefined) return { queues: 0, refused: false, batch: 0 };
    const given = queue.terms.arguments;
    if (!isOnce(given)) return this.#publishTo(queue, message, notBefore);
    const publish = (): Published => this.#publishTo(queue, message, notBefore);
    return this.#once(`queue\u0000${name}`, given, message, publish);
  }

  #publishTo(queue: AnyQueue, message: Message, notBefore: number | undefined): Published {
    const refused = !queue.publish(message, notBefore);
    const stores = !refused && queue.stores(message);
    return { queues: 1, refused, batch: stores ? this.#keeper.storage.batch : 0 };
  }

  #once(place: string, given: Table, message: Message, publish: () => Published): Published {
    const { recent } = this.#keeper;
    const known = (batch: number): Published => ({ queues: 1, refused: false, batch });
    return publishOnce(recent, `${this.name}\u0000${place}`, given, message, publish, known);
  }

  /** @throws Refusal when there is no such queue, or somebody consumes it alone. */
  consume(name: string, terms: ConsumerTerms): QueueConsumer {
    const queue = this.known(name);
    const { consumers } = queue;
    if (consumers.some((each) => each.terms.exclusive) || (terms.exclusive && consumers.length > 0))
      throw new Refusal("access-refused", `${called("queue", name, this.name)} in exclusive use`);
    return queue.consume(terms);
  }

  /** The next message of a queue for who is no consumer. */
  take(name: string): Promise<Taken | undefined> {
    const queue = this.known(name);
    this.touch(queue);
    return queue.take();
  }

  bury(message: Message, reason: DeathReason, queue: QueueTerms): void {
    const { name, deadLetterExchange: exchange, deadLetterRoutingKey: routingKey } = queue;
    if (exchange === undefined || this.topology.exchange(exchange) === undefined) return;
    const wall = this.#keeper.env.wall();
    const letter = deadLetter(message, reason, name, { exchange, routingKey }, wall);
    const names = withoutCycles(letter, reason, this.topology.route(exchange, letter));
    for (const each of names) this.publishTo(each, letter);
  }

  used(queue: AnyQueue): void {
    if (queue.consumers.length === 0 && queue.terms.autoDelete) this.deleteQueue(queue.name);
    else this.touch(queue);
  }

  /** It is used: the time after which it goes when it is not begins anew. */
  touch({ name, terms, consumers }: AnyQueue): void {
    this.#forgetExpiry(name);
    const { expiresMs } = terms;
    if (expiresMs === undefined || consumers.length > 0) return;
    const { env } = this.#keeper;
    const gone = (): void => void this.deleteQueue(name);
    this.#expiries.set(name, alarmAt(env, env.now() + expiresMs, gone));
  }

  #forgetExpiry(name: string): void {
    const alarm = this.#expiries.get(name);
    if (alarm !== undefined) this.#keeper.env.clear(alarm);
    this.#expiries.delete(name);
  }

  /** All that is in it is gone. */
  drop(): void {
    for (const name of [...this.#queues.keys()]) this.deleteQueue(name);
    for (const { name } of [...this.topology.exchanges()])
      if (name !== "" && !name.startsWith("amq.")) this.deleteExchange(name);
  }

  /** Sets nothing off any more; what is stored stays. */
  close(): void {
    for (const name of [...this.#expiries.keys()]) this.#forgetExpiry(name);
  }

  #note({ undefine, define }: TopologyChange): void {
    if (undefine.length === 0 && define.length === 0) return;
    const { storage } = this.#keeper;
    for (const { kind, name } of undefine) storage.undefine(kind, definitionName(this.name, name));
    for (const { kind, name, value } of define)
      storage.define({ kind, name: definitionName(this.name, name), value });
    storage.require("disk");
  }
}

function isDurable({ durable, owner }: QueueTerms): boolean {
  return durable && owner === undefined;
}

/** A log has one for what is held back, beside its own. */
function laneCountOf({ kind, shards, priorityMax }: QueueTerms): number {
  if (kind === "log") return 2;
  return shards > 0 ? shards : priorityMax + 1;
}
