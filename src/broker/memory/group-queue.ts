import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { attribute } from "../attributes.ts";
import type { BrokerFilter, Delivery, Lag, Outgoing, Subscription } from "../broker.ts";
import type { Channel } from "../channel.ts";
import { shardKeyOf, type Envelope } from "../envelope.ts";
import { surplus } from "../balance.ts";
import { Delayed } from "./delayed.ts";
import { Waiting, type Entry } from "./entry.ts";
import { Member, type MemberGroup } from "./member.ts";
import { shardOf } from "../shard-of.ts";

const revokeMsDefault = 10_000;

/** A part of a group's messages that one member consumes at a time. */
export class Shard {
  readonly name: string;
  readonly waiting: Waiting = new Waiting();
  generation = 0;
  owner: Member | undefined;
  /** It is being taken away from its owner: nothing more of it is delivered. */
  moving = false;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a group asks of its store. */
export interface GroupStore {
  /** A consumer has left. */
  left(queue: GroupQueue): void;
  publishAll(messages: readonly Outgoing[]): void;
}

/** The messages of one channel for one group, and who consumes them. */
export class GroupQueue implements MemberGroup {
  readonly channel: Channel;
  readonly #store: GroupStore;
  readonly #shards: readonly Shard[];
  readonly #delayed: Delayed<{ readonly entry: Entry; readonly shard: Shard }>;
  readonly #env: Env;
  #members: Member[] = [];
  /** Entries that wait in shards: due, and with nobody. */
  #waiting = 0;
  #size = 0;
  #bytes = 0;
  #turn = 0;
  #pumping = false;

  constructor(channel: Channel, store: GroupStore, env: Env) {
    this.channel = channel;
    this.#store = store;
    this.#env = env;
    // Without order all members share one: whoever has room takes the next.
    const count = channel.ordered ? channel.shards : 1;
    this.#shards = Array.from({ length: count }, (_, index) => new Shard(String(index)));
    this.#delayed = new Delayed(env, ({ entry, shard }) => {
      this.#wait(entry, shard);
      this.pump();
    });
  }

  get members(): number {
    return this.#members.length;
  }

  /** Messages that wait, are held back, or are unsettled. */
  get size(): number {
    return this.#size;
  }

  /** The data of all of them, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  add(entry: Entry, notBefore: number | undefined): void {
    this.#size++;
    this.#bytes += entry.envelope.data.byteLength;
    const index = shardOf(shardKeyOf(entry.envelope), this.#shards.length);
    this.again(entry, String(index), notBefore);
  }

  publishAll(messages: readonly Outgoing[]): void {
    this.#store.publishAll(messages);
  }

  again(entry: Entry, name: string, notBefore: number | undefined): void {
    const shard = this.#shards[Number(name)]!;
    if (notBefore !== undefined && notBefore > this.#env.wall())
      this.#delayed.add(notBefore, { entry, shard });
    else this.#wait(entry, shard);
    this.pump();
  }

  settled(entry: Entry): void {
    this.#forget(entry);
    this.pump();
  }

  join(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
    name: string,
  ): Member {
    const member = new Member(subscription, this, deliver, name, this.#env);
    this.#members.push(member);
    this.#delayed.wanted = true;
    this.#balance();
    this.pump();
    return member;
  }

  leave(member: Member): void {
    this.#members = this.#members.filter((each) => each !== member);
    this.#delayed.wanted = this.#members.length > 0;
    const unsettled = [...member.unsettled];
    member.unsettled.clear();
    for (const shard of this.#shards) {
      if (shard.owner === member) this.#free(shard);
    }
    for (const { entry, shard } of unsettled) this.#wait(entry, this.#shards[Number(shard)]!);
    this.#store.left(this);
    this.#balance();
    this.pump();
  }

  shardsOf(member: Member): readonly Shard[] {
    return this.channel.ordered
      ? this.#shards.filter(({ owner }) => owner === member)
      : this.#shards;
  }

  lag(): Lag {
    const shards = this.#shards.map((shard) => {
      const consumer = shard.owner?.name;
      const told = { shard: shard.name, waiting: this.#lagOf(shard) };
      return consumer === undefined ? told : { ...told, consumer };
    });
    return { waiting: this.size, shards };
  }

  #lagOf({ name, waiting }: Shard): number {
    const unsettled = this.#members.flatMap((member) => [...member.unsettled]);
    const delayed = this.#delayed.list().filter(({ shard }) => shard.name === name);
    return waiting.size + delayed.length + unsettled.filter(({ shard }) => shard === name).length;
  }

  browse(limit: number): readonly Envelope[] {
    const unsettled = this.#members.flatMap((member) => [...member.unsettled]);
    const entries = [
      ...unsettled.map(({ entry }) => entry),
      ...this.#shards.flatMap(({ waiting }) => waiting.list()),
      ...this.#delayed.list().map(({ entry }) => entry),
    ];
    return entries
      .toSorted((a, b) => a.seq - b.seq)
      .slice(0, limit)
      .map(({ envelope }) => envelope);
  }

  /** Forgets all that no member has. */
  clear(): void {
    for (const { waiting } of this.#shards) {
      for (const entry of waiting.list()) this.#forget(entry);
      waiting.clear();
    }
    for (const { entry } of this.#delayed.list()) this.#forget(entry);
    this.#delayed.clear();
    this.#waiting = 0;
  }

  /** Hands out what waits, as far as members have room. */
  pump(): void {
    if (this.#pumping || this.#waiting === 0) return;
    this.#pumping = true;
    if (this.channel.ordered) this.#pumpOwned();
    else this.#pumpShared(this.#shards[0]!);
    this.#pumping = false;
  }

  /** One of each shard in turn, beginning behind the last: a full one must not starve those behind it. */
  #pumpOwned(): void {
    const shards = this.#shards;
    for (let idle = 0; idle < shards.length && this.#waiting > 0;) {
      const shard = shards[this.#turn++ % shards.length]!;
      const { owner, moving, waiting } = shard;
      if (owner !== undefined && !moving && waiting.size > 0 && owner.credit > 0) {
        this.#handNext(shard, owner);
        idle = 0;
      } else idle++;
    }
  }

  #pumpShared(shard: Shard): void {
    while (shard.waiting.size > 0) {
      const member = this.#next();
      if (member === undefined) return;
      this.#handNext(shard, member);
    }
  }

  /** In turn, those with room; the first alone where one is to consume exclusively. */
  #next(): Member | undefined {
    const [first] = this.#members;
    if (first?.subscription.exclusive === true) return first.credit > 0 ? first : undefined;
    for (let tries = 0; tries < this.#members.length; tries++) {
      const member = this.#members[this.#turn++ % this.#members.length]!;
      if (member.credit > 0) return member;
    }
    return undefined;
  }

  #handNext(shard: Shard, member: Member): void {
    const entry = shard.waiting.take()!;
    this.#waiting--;
    const { envelope } = entry;
    const expiry = envelope.attributes[attribute.expirytime];
    const expired = expiry !== undefined && Date.parse(expiry) <= this.#env.wall();
    if (expired || !passes(envelope, member.subscription.filter)) return this.#forget(entry);
    member.hand(entry, shard);
  }

  #wait(entry: Entry, shard: Shard): void {
    shard.waiting.add(entry);
    this.#waiting++;
  }

  #forget({ envelope }: Entry): void {
    this.#size--;
    this.#bytes -= envelope.data.byteLength;
  }

  #free(shard: Shard): void {
    shard.owner = undefined;
    shard.moving = false;
    shard.generation++;
  }

  /** Sticky: nobody gives away more than is above his share. */
  #balance(): void {
    if (!this.channel.ordered) return;
    const members = this.#members.filter(
      ({ subscription }, index) => index === 0 || subscription.exclusive !== true,
    );
    if (members.length === 0) return;
    const settled = this.#shards.map(({ owner, moving }) => (moving ? undefined : owner));
    const taken = surplus(settled, members).map((index) => this.#shards[index]!);
    // All of them before the first one goes: each that has gone is balanced anew.
    for (const shard of taken) shard.moving = true;
    for (const shard of taken) void this.#take(shard, shard.owner!);
    for (const shard of this.#shards) {
      if (shard.owner !== undefined) continue;
      const count = (member: Member): number =>
        this.#shards.filter(({ owner, moving }) => owner === member && !moving).length;
      const poorest = members.reduce((a, b) => (count(b) < count(a) ? b : a));
      shard.owner = poorest;
      poorest.subscription.assigned?.(shard.name);
    }
  }

  /** The owner may end what it has begun; what it settles after that is fenced. */
  async #take(shard: Shard, owner: Member): Promise<void> {
    const { generation } = shard;
    const { revoking, lost, revokeMs = revokeMsDefault } = owner.subscription;
    if (revoking !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const alarm = alarmAt(this.#env, this.#env.now() + revokeMs, resolve);
      void revoking(shard.name).then(resolve, resolve);
      await promise;
      this.#env.clear(alarm);
    }
    if (shard.generation !== generation) return;
    const left = [...owner.unsettled].filter((delivery) => delivery.shard === shard.name);
    for (const delivery of left) {
      owner.unsettled.delete(delivery);
      this.#wait(delivery.entry, shard);
    }
    if (left.length > 0) lost?.(shard.name);
    this.#free(shard);
    this.#balance();
    this.pump();
  }
}

/** Whether a message is wanted by what a broker can leave out. */
function passes(envelope: Envelope, filter: BrokerFilter | undefined): boolean {
  if (filter === undefined) return true;
  const { type, subject, attributes = {} } = filter;
  if (type !== undefined && envelope.type !== type) return false;
  if (subject !== undefined && envelope.subject !== subject) return false;
  return Object.entries(attributes).every(([name, value]) => envelope.attributes[name] === value);
}
