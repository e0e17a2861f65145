import type { AnyQueue, Taken } from "../any-queue.ts";
import { Backlog, type BacklogKeeper, type FoundMessages } from "./backlog.ts";
import type { ConsumerTerms } from "../consumer.ts";
import type { Lane } from "./lane.ts";
import { Member, type HandedEntry, type MemberQueue } from "./member.ts";
import type { Message } from "../message.ts";
import type { Part } from "./part.ts";
import { Refusal } from "../refusal.ts";
import { Shards, type ShardedQueue } from "./shards.ts";
import type { Row } from "../storage.ts";
import type { QueueTerms } from "../terms.ts";
import type { Timed } from "./timers.ts";

/** Consumers of one queue. */
const consumersMax = 10_000;
/** Of what is with one consumer beyond this, what is on disk is not kept in memory too. */
const unsettledInMemoryMax = 4_096;

/** What a queue asks of its virtual host. */
export interface QueueKeeper extends BacklogKeeper {
  /** The last consumer has left, or the first has come. */
  used(queue: AnyQueue): void;
}

/** Messages that each go to one consumer. */
export class WorkQueue implements MemberQueue, ShardedQueue {
  readonly #backlog: Backlog;
  readonly #keeper: QueueKeeper;
  readonly #shards: Shards | undefined;
  /** Those with the higher priorities first, then in the order of their coming. */
  #members: readonly Member[] = [];
  /** They take nothing more, and may still settle what they have. */
  readonly #retired = new Set<Member>();
  /** Takes for those who are no consumers. */
  readonly #taker: Member;
  #turn = 0;
  #pumping = false;
  readonly #pump = (): void => this.pump();

  constructor(
    terms: QueueTerms,
    lanes: readonly Lane[],
    found: FoundMessages,
    keeper: QueueKeeper,
  ) {
    this.#keeper = keeper;
    this.#backlog = new Backlog(terms, lanes, found, keeper, this.#pump);
    this.#shards = terms.shards > 0 ? new Shards(this.#backlog.parts, this, keeper.env) : undefined;
    this.#taker = new Member(takerTerms, this);
  }

  get name(): string {
    return this.#backlog.terms.name;
  }

  get terms(): QueueTerms {
    return this.#backlog.terms;
  }

  /** Other bounds and times hold from now on; what it is made of stays. */
  set terms(terms: QueueTerms) {
    this.#backlog.terms = terms;
    this.#backlog.enforce();
  }

  get lanes(): readonly Lane[] {
    return this.#backlog.parts.map(({ lane }) => lane);
  }

  get consumers(): readonly Member[] {
    return this.#members;
  }

  /** Those that are served now. */
  get activeConsumers(): readonly Member[] {
    return this.terms.singleActive ? this.#members.slice(0, 1) : this.#members;
  }

  /** Messages that could be delivered now. */
  get ready(): number {
    return this.#backlog.ready;
  }

  /** Messages with consumers. */
  get unsettled(): number {
    return this.#backlog.unsettled;
  }

  /** Messages that are held back until their time. */
  get held(): number {
    return this.#backlog.held;
  }

  /** All messages. */
  get count(): number {
    return this.#backlog.count;
  }

  /** All of them in bytes. */
  get bytes(): number {
    return this.#backlog.bytes;
  }

  /** Takes a message, not to be delivered before an instant where one is given. False: there is no place for it. */
  publish(message: Message, notBefore?: number): boolean {
    return this.#backlog.publish(message, notBefore);
  }

  /** Whether a message is written for good. */
  stores(message: Message): boolean {
    return this.#backlog.stores(message);
  }

  consume(terms: ConsumerTerms): Member {
    if (this.#members.length >= consumersMax)
      throw new Refusal("resource-error", `${consumersMax} consumers of '${this.name}' are there`);
    const member = new Member(terms, this);
    const { priority = 0 } = terms;
    const at = this.#members.findIndex((each) => (each.terms.priority ?? 0) < priority);
    this.#members = this.#members.toSpliced(at < 0 ? this.#members.length : at, 0, member);
    if (this.#members.length === 1) this.#keeper.used(this);
    this.#shards?.balance(this.activeConsumers);
    this.pump();
    return member;
  }

  /** The next message for who is no consumer; undefined when there is none. */
  async take(): Promise<Taken | undefined> {
    for (;;) {
      const part = this.#backlog.next();
      if (part === undefined || this.#backlog.gone || this.#backlog.stalled) return undefined;
      if (this.#backlog.isHere(part)) {
        const handed = this.#backlog.take(part);
        if (handed === undefined) continue;
        this.#taker.unsettled.add(handed);
        return { handed, remaining: this.ready, by: this.#taker };
      }
      await part.lane.reading;
      if (part.lane.broken) throw new Refusal("resource-error", "the storage has failed");
    }
  }

  shardsOf(member: Member): readonly string[] {
    return this.#shards?.of(member) ?? [];
  }

  /** Hands out what is ready, as far as members have room. */
  pump(): void {
    if (this.#pumping || this.#members.length === 0) return;
    this.#pumping = true;
    try {
      if (this.#shards === undefined) this.#pumpShared();
      else this.#pumpOwned(this.#shards);
    } finally {
      this.#pumping = false;
    }
  }

  #pumpShared(): void {
    const backlog = this.#backlog;
    for (let part = backlog.next(); part !== undefined; part = backlog.next()) {
      if (backlog.stalled || !backlog.isHere(part)) return;
      const member = this.#next();
      if (member === undefined) return;
      this.#hand(part, member);
    }
  }

  /** One of each shard in turn, beginning behind the last: a full one must not starve those behind it. */
  #pumpOwned(shards: Shards): void {
    const { parts } = this.#backlog;
    for (let idle = 0; idle < parts.length;) {
      const part = parts[this.#turn++ % parts.length]!;
      const owner = part.lane.ready > 0 ? shards.servedOf(part) : undefined;
      if (owner !== undefined && owner.terms.room() > 0 && this.#backlog.isHere(part)) {
        this.#hand(part, owner);
        idle = 0;
      } else idle++;
    }
  }

  /** In turn, those with room among those of the highest priority that have any; the first alone where one is active. */
  #next(): Member | undefined {
    const members = this.#members;
    if (members.length === 0) return undefined;
    if (this.terms.singleActive) return members[0]!.terms.room() > 0 ? members[0] : undefined;
    for (let from = 0; from < members.length;) {
      const { priority = 0 } = members[from]!.terms;
      let to = from + 1;
      while (to < members.length && (members[to]!.terms.priority ?? 0) === priority) to++;
      for (let tries = from; tries < to; tries++) {
        const member = members[from + (this.#turn++ % (to - from))]!;
        if (member.terms.room() > 0) return member;
      }
      from = to;
    }
    return undefined;
  }

  #hand(part: Part, { terms, unsettled }: Member): void {
    const handed = this.#backlog.take(part, terms);
    if (handed === undefined) return;
    if (terms.noAck) {
      terms.deliver(handed);
      return this.#backlog.done(handed);
    }
    unsettled.add(handed);
    terms.deliver(handed);
    if (unsettled.size > unsettledInMemoryMax) this.#backlog.slim(handed);
  }

  done(handed: HandedEntry): void {
    this.#backlog.done(handed);
    this.pump();
  }

  again(handed: HandedEntry, notBefore: number | undefined, counted: boolean): void {
    this.#backlog.putBack(handed, notBefore, counted);
    this.pump();
  }

  rejected(handed: HandedEntry): void {
    this.#backlog.reject(handed);
    this.pump();
  }

  leave(member: Member, keeping: boolean): void {
    const there = this.#members.includes(member);
    this.#members = this.#members.filter((each) => each !== member);
    if (keeping) this.#retired.add(member);
    else {
      this.#retired.delete(member);
      this.#return(member, [...member.unsettled]);
    }
    if (this.#backlog.gone) return;
    if (!there) return this.pump();
    this.#shards?.balance(this.activeConsumers);
    if (this.#members.length === 0) this.#keeper.used(this);
    this.pump();
  }

  takeBack(member: Member, part: Part): number {
    const mine = [...member.unsettled].filter((handed) => handed.part === part);
    this.#return(member, mine);
    return mine.length;
  }

  /** In their order; each counts as an attempt. */
  #return({ unsettled }: Member, handed: readonly HandedEntry[]): void {
    for (const each of handed) {
      unsettled.delete(each);
      this.#backlog.putBack(each, undefined, true);
    }
  }

  /** The time of a message has come. */
  due(timed: Timed): void {
    this.#backlog.due(timed);
  }

  /** Forgets all that waits; with `held` what is held back too. Gives back how many were ready. */
  purge(held: boolean = false): number {
    return this.#backlog.purge(held);
  }

  /** It is gone, and its consumers are told. */
  drop(reason: string): void {
    const members = this.#members;
    this.#members = [];
    this.#backlog.drop();
    // Its lanes may be those of another queue soon: nothing of it is settled any more.
    for (const member of [...members, ...this.#retired, this.#taker]) member.unsettled.clear();
    this.#retired.clear();
    for (const member of members) {
      member.closed = true;
      member.terms.cancelled(reason);
    }
  }

  /** The first messages, whoever has them, oldest first; they stay. */
  browse(limit: number): Promise<readonly Row[]> {
    const unsettled = [...this.#members, ...this.#retired, this.#taker].flatMap((member) => [
      ...member.unsettled,
    ]);
    return this.#backlog.browse(limit, unsettled);
  }
}

const takerTerms: ConsumerTerms = {
  tag: "",
  user: "",
  noAck: false,
  exclusive: false,
  room: () => 0,
  deliver: () => undefined,
  cancelled: () => undefined,
};
