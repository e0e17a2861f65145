import type { ConsumerTerms, Handed, QueueConsumer } from "../consumer.ts";
import type { Entry } from "./entry.ts";
import type { Message } from "../message.ts";
import type { Part } from "./part.ts";

/** What a member asks of its queue. */
export interface MemberQueue {
  readonly name: string;
  shardsOf(member: Member): readonly string[];
  pump(): void;
  done(handed: HandedEntry): void;
  again(handed: HandedEntry, notBefore: number | undefined, counted: boolean): void;
  rejected(handed: HandedEntry): void;
  /** `keeping`: what is unsettled stays with it. */
  leave(member: Member, keeping: boolean): void;
}

/** A message in the hands of a member. */
export class HandedEntry implements Handed {
  readonly entry: Entry;
  readonly part: Part;
  readonly queue: string;
  readonly attempt: number;
  readonly generation: number;

  constructor(entry: Entry, part: Part, queue: string) {
    this.entry = entry;
    this.part = part;
    this.queue = queue;
    this.attempt = entry.attempts + 1;
    this.generation = part.generation;
  }

  /** There while it is delivered; of one who keeps very many unsettled it may be let go of after that. */
  get message(): Message {
    return this.entry.message!;
  }

  get shard(): string {
    return this.part.name;
  }

  get seq(): number {
    return this.entry.seq;
  }

  get redelivered(): boolean {
    return this.attempt > 1;
  }

  get enqueuedAt(): number {
    return this.entry.enqueuedAt;
  }
}

/** One consumer of a queue. */
export class Member implements QueueConsumer {
  readonly terms: ConsumerTerms;
  readonly unsettled: Set<HandedEntry> = new Set();
  readonly #queue: MemberQueue;
  closed = false;
  /** Takes nothing more. */
  retired = false;

  constructor(terms: ConsumerTerms, queue: MemberQueue) {
    this.terms = terms;
    this.#queue = queue;
  }

  get shards(): readonly string[] {
    return this.#queue.shardsOf(this);
  }

  wake(): void {
    this.#queue.pump();
  }

  ack(handed: Handed): boolean {
    const mine = this.#settle(handed);
    if (mine !== undefined) this.#queue.done(mine);
    return mine !== undefined;
  }

  release(handed: Handed, notBefore?: number, counted: boolean = true): boolean {
    const mine = this.#settle(handed);
    if (mine !== undefined) this.#queue.again(mine, notBefore, counted);
    return mine !== undefined;
  }

  reject(handed: Handed): boolean {
    const mine = this.#settle(handed);
    if (mine !== undefined) this.#queue.rejected(mine);
    return mine !== undefined;
  }

  retire(): void {
    if (this.closed || this.retired) return;
    this.retired = true;
    this.#queue.leave(this, true);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#queue.leave(this, false);
  }

  #settle(handed: Handed): HandedEntry | undefined {
    const mine = handed as HandedEntry;
    if (!this.unsettled.delete(mine)) return undefined;
    if (this.retired && this.unsettled.size === 0) this.close();
    return mine;
  }
}
