import type { Env } from "../../base/env.ts";
import type { Consumer, Delivery, Outgoing, Subscription } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import { fenced } from "../fenced.ts";
import type { Entry } from "./entry.ts";

/** What a member asks of its group. */
export interface MemberGroup {
  shardsOf(member: Member): readonly ShardName[];
  pump(): void;
  leave(member: Member): void;
  /** A message is done. */
  settled(entry: Entry): void;
  again(entry: Entry, shard: string, notBefore: number | undefined): void;
  /** Publishes all, or throws and publishes nothing. */
  publishAll(messages: readonly Outgoing[]): void;
}

/** A shard as deliveries tell of it. */
export interface ShardName {
  readonly name: string;
  readonly generation: number;
}

/** One consumer in a group. */
export class Member implements Consumer {
  readonly subscription: Subscription;
  /** Whose it is, as its process calls itself. */
  readonly name: string;
  readonly unsettled: Set<MemoryDelivery> = new Set();
  readonly #group: MemberGroup;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #env: Env;
  #batch: MemoryDelivery[] = [];
  paused = false;
  closed = false;

  constructor(
    subscription: Subscription,
    group: MemberGroup,
    deliver: (batch: readonly Delivery[]) => void,
    name: string,
    env: Env,
  ) {
    this.subscription = subscription;
    this.name = name;
    this.#group = group;
    this.#deliver = deliver;
    this.#env = env;
  }

  get shards(): readonly string[] {
    return this.#group.shardsOf(this).map(({ name }) => name);
  }

  get credit(): number {
    return this.paused || this.closed ? 0 : this.subscription.prefetch - this.unsettled.size;
  }

  hand(entry: Entry, shard: ShardName): void {
    entry.attempts++;
    const delivery = new MemoryDelivery(entry, shard, this, this.#group);
    this.unsettled.add(delivery);
    this.#batch.push(delivery);
    if (this.#batch.length === 1) this.#env.defer(() => this.#flush());
  }

  #flush(): void {
    const batch = this.#batch.filter((delivery) => this.unsettled.has(delivery));
    this.#batch = [];
    if (batch.length > 0) this.#deliver(batch);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#group.pump();
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.#group.leave(this);
    }
    return Promise.resolve();
  }
}

/** A message in the hands of a member. */
export class MemoryDelivery implements Delivery {
  readonly entry: Entry;
  readonly attempt: number;
  readonly generation: number;
  readonly shard: string;
  readonly #member: Member;
  readonly #group: MemberGroup;

  constructor(entry: Entry, shard: ShardName, member: Member, group: MemberGroup) {
    this.entry = entry;
    this.attempt = entry.attempts;
    this.generation = shard.generation;
    this.shard = shard.name;
    this.#member = member;
    this.#group = group;
  }

  get envelope(): Envelope {
    return this.entry.envelope;
  }

  get redelivered(): boolean {
    return this.attempt > 1;
  }

  get position(): string {
    return `${this.shard}@${this.entry.seq}`;
  }

  async ack(outputs: readonly Outgoing[] = []): Promise<void> {
    this.#refuseFenced();
    // Nobody runs between these two lines: what is published and what is done are one.
    if (outputs.length > 0) this.#group.publishAll(outputs);
    this.#settle();
  }

  async release(notBefore?: number): Promise<void> {
    this.#refuseFenced();
    this.#member.unsettled.delete(this);
    this.#group.again(this.entry, this.shard, notBefore);
  }

  #settle(): void {
    this.#member.unsettled.delete(this);
    this.#group.settled(this.entry);
  }

  #refuseFenced(): void {
    if (this.#member.unsettled.has(this)) return;
    throw fenced();
  }
}
