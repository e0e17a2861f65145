import { systemError } from "../../base/error.ts";
import { attribute } from "../attributes.ts";
import type { Delivery, Outgoing } from "../broker.ts";
import { openMax, windowMax, type Completion } from "./completion.ts";
import { fenced } from "./errors.ts";
import type { Source } from "./fetcher.ts";
import type { PartitionOffset } from "./offsets.ts";
import { positionOf, readEnvelope, type ReadRecord } from "./record.ts";
import type { Placed } from "./transactions.ts";

/** What a partition tells its consumer. */
export interface OwnedHooks {
  readonly wall: () => number;
  /** How far ahead deliveries are marked. */
  readonly prefetch: number;
  /** Finds where outputs go; rejects where they cannot go anywhere. */
  place(outputs: readonly Outgoing[]): Promise<readonly Placed[]>;
  /** There is something to commit. */
  dirty(): void;
  /** There may be something to deliver, or room for it. */
  ready(): void;
  /** The position is not in the log any more. */
  astray(owned: Owned): void;
}

export interface OwnedTerms {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  readonly completion: Completion;
  /** Settling is kept in the group; false: for a consumer that has none. */
  readonly committed: boolean;
}

interface Outstanding {
  readonly record: ReadRecord;
}

/** A delivery that is about to be settled. */
export interface Settling {
  readonly offset: number;
  readonly how: "ack" | "release";
  readonly outputs: readonly Placed[];
  resolve(): void;
  reject(error: unknown): void;
}

/** What waits for a partition, in bytes, past which nothing more is fetched for it; one more answer may come on top. */
const bufferBytesMax = 1_024 * 1_024;

/** One partition while this consumer has it: what was fetched of it, what is with handlers, and what is done. */
export class Owned implements Source {
  readonly topic: string;
  readonly partition: number;
  readonly shard: string;
  readonly generation: number;
  readonly completion: Completion;
  position: number;
  /** Nothing new is delivered: it goes to somebody else. */
  leaving = false;
  readonly #committed: boolean;
  readonly #hooks: OwnedHooks;
  #buffer: ReadRecord[] = [];
  #bufferBytes = 0;
  readonly #outstanding: Map<number, Outstanding> = new Map();
  /** To be delivered again, lowest first. */
  readonly #again: ReadRecord[] = [];
  #settling: Settling[] = [];
  #wantedMark: number;
  #moved = false;
  #paused = false;
  #ended = false;

  constructor(terms: OwnedTerms, hooks: OwnedHooks) {
    this.topic = terms.topic;
    this.partition = terms.partition;
    this.shard = `${terms.topic}[${terms.partition}]`;
    this.generation = terms.generation;
    this.completion = terms.completion;
    this.position = terms.completion.base;
    this.#committed = terms.committed;
    this.#wantedMark = terms.completion.base;
    // What the one before marked is not marked by this one: its deliveries are others.
    terms.completion.marked = terms.completion.base;
    this.#hooks = hooks;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get unsettled(): number {
    return this.#outstanding.size;
  }

  wants(): boolean {
    return !this.#paused && !this.leaving && !this.#ended && this.#bufferBytes < bufferBytesMax;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
  }

  take(records: readonly ReadRecord[]): void {
    if (this.#ended) return;
    for (const record of records) {
      this.#buffer.push(record);
      this.#bufferBytes += sizeOf(record);
    }
    this.#hooks.ready();
  }

  astray(): void {
    this.#hooks.astray(this);
  }

  /** The log begins, or ends, elsewhere: what is not there is done. */
  moveTo(offset: number): void {
    this.completion.advance(offset);
    this.position = offset;
    this.#touch();
  }

  /** The next delivery; undefined: there is none for now. */
  next(): Delivery | undefined {
    if (this.leaving || this.#ended) return undefined;
    const again = this.#again.shift();
    if (again !== undefined) return this.#hand(again);
    for (let record = this.#buffer[0]; record !== undefined; record = this.#buffer[0]) {
      const { offset } = record;
      const { completion } = this;
      // Done by the one before, which committed no farther than its first open message.
      if (offset < completion.high && !completion.isOpen(offset)) {
        this.#shift(record);
        continue;
      }
      const far = offset - completion.base >= windowMax || completion.openCount >= openMax;
      if (far && !completion.isOpen(offset)) return undefined;
      if (!this.#mayBegin(offset)) return undefined;
      this.#shift(record);
      const delivery = this.#hand(record);
      if (delivery !== undefined) return delivery;
    }
    return undefined;
  }

  /** A delivery begins only when the group knows that it may have: so it counts if this process dies in it. */
  #mayBegin(offset: number): boolean {
    if (!this.#committed) return true;
    const { completion } = this;
    const { prefetch } = this.#hooks;
    // Asked for early, so that nobody waits while all goes well.
    if (offset + (prefetch >> 1) >= this.#wantedMark) {
      const last = this.#buffer.at(-1)?.offset ?? offset;
      this.#wantedMark = Math.max(offset, Math.min(last, offset + prefetch)) + 1;
      if (this.#wantedMark > completion.marked) this.#touch();
    }
    return offset < completion.marked;
  }

  #shift(record: ReadRecord): void {
    this.#buffer.shift();
    this.#bufferBytes -= sizeOf(record);
  }

  #hand(record: ReadRecord): Delivery | undefined {
    const { offset } = record;
    const attempt = this.completion.begin(offset);
    const { envelope, malformed } = readEnvelope(record);
    const expiry = envelope.attributes[attribute.expirytime];
    if (expiry !== undefined && Date.parse(expiry) <= this.#hooks.wall()) {
      this.completion.done(offset);
      this.#touch();
      return undefined;
    }
    this.#outstanding.set(offset, { record });
    const settle = (how: "ack" | "release", outputs: readonly Placed[] = []): Promise<void> =>
      this.#settle(offset, how, outputs);
    return {
      envelope,
      ...(malformed === undefined ? {} : { malformed }),
      attempt,
      redelivered: attempt > 1,
      shard: this.shard,
      generation: this.generation,
      position: positionOf(record),
      ack: async (outputs = []) =>
        settle("ack", outputs.length === 0 ? [] : await this.#hooks.place(outputs)),
      release: (notBefore) =>
        notBefore === undefined ? settle("release") : Promise.reject(undelayed(this.topic)),
    };
  }

  #settle(offset: number, how: "ack" | "release", outputs: readonly Placed[]): Promise<void> {
    const what = this.#at(offset);
    if (this.#ended || !this.#outstanding.has(offset)) return Promise.reject(fenced(what));
    if (this.#settling.some((each) => each.offset === offset)) return Promise.reject(fenced(what));
    return new Promise((resolve, reject) => {
      this.#settling.push({ offset, how, outputs, resolve, reject });
      if (this.#committed) this.#hooks.dirty();
      // Without a group there is nobody to tell.
      else this.settled(this.takeSettling(), this.completion.marked);
    });
  }

  #at(offset: number): string {
    return positionOf({ topic: this.topic, partition: this.partition, offset });
  }

  #touch(): void {
    this.#moved = true;
    if (this.#committed) this.#hooks.dirty();
  }

  get dirty(): boolean {
    return !this.#ended && (this.#moved || this.#settling.length > 0);
  }

  /** What is to be settled, to be committed now. */
  takeSettling(): readonly Settling[] {
    this.#moved = false;
    return this.#settling.splice(0);
  }

  /** What is committed when `settling` is settled. */
  written(settling: readonly Settling[]): PartitionOffset & { readonly mark: number } {
    const acked = new Set(settling.filter(({ how }) => how === "ack").map(({ offset }) => offset));
    const { topic, partition } = this;
    if (this.leaving)
      return { topic, partition, ...this.completion.written(undefined, acked), mark: 0 };
    const mark = this.#wantedMark;
    const again = new Set(this.#again.map(({ offset }) => offset));
    for (const { how, offset } of settling) if (how === "release") again.add(offset);
    return { topic, partition, ...this.completion.written(mark, acked, again), mark };
  }

  /** It is committed. */
  settled(settling: readonly Settling[], mark: number): void {
    this.completion.marked = Math.max(this.completion.marked, mark);
    for (const { offset, how, resolve } of settling) {
      const outstanding = this.#outstanding.get(offset);
      this.#outstanding.delete(offset);
      if (how === "ack") this.completion.done(offset);
      else if (outstanding !== undefined) this.#putBack(outstanding.record);
      resolve();
    }
    this.#hooks.ready();
  }

  /** It could not be committed: whoever settles may try again. */
  unsettle(settling: readonly Settling[], error: unknown): void {
    for (const { reject } of settling) reject(error);
  }

  /** At the head, before all that is later. */
  #putBack(record: ReadRecord): void {
    const at = this.#again.findIndex((each) => each.offset > record.offset);
    if (at < 0) this.#again.push(record);
    else this.#again.splice(at, 0, record);
  }

  /** It is somebody else's from now on: what is not settled never will be. */
  end(cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { offset, reject } of this.#settling.splice(0))
      reject(fenced(this.#at(offset), cause));
    this.#buffer = [];
    this.#bufferBytes = 0;
    this.#again.length = 0;
    this.#outstanding.clear();
  }
}

function undelayed(topic: string): Error {
  return systemError("UNIMPLEMENTED", `${topic}: Kafka has no delayed messages`, {
    executed: "no",
    advice: "hold it here, unsettled, and release it when it is due",
  });
}

function sizeOf({ key, value }: ReadRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + 256;
}
