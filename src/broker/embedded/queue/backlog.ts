import type { Env } from "../../../base/env.ts";
import { shardOf } from "../../shard-of.ts";
import type { ConsumerTerms } from "../consumer.ts";
import type { DeathReason } from "../death.ts";
import type { Entry } from "./entry.ts";
import { KeyOrder } from "./key-order.ts";
import type { Lane } from "./lane.ts";
import { HandedEntry } from "./member.ts";
import { bytesOf, type Message } from "../message.ts";
import { Part } from "./part.ts";
import type { Due, Row, Storage } from "../storage.ts";
import type { QueueTerms } from "../terms.ts";
import type { Timed, Timers } from "./timers.ts";

/** Messages that are looked up at once when whose turn it is has to be found out. */
const recalledAtOnce = 1_000;

/** What the messages of a queue ask of its surroundings. */
export interface BacklogKeeper {
  readonly storage: Storage;
  readonly env: Env;
  readonly timers: Timers;
  /** A message of a queue is given up: it goes where the queue sends its dead letters. */
  bury(message: Message, reason: DeathReason, queue: QueueTerms): void;
}

/** What was found of a queue's messages. */
export interface FoundMessages {
  readonly count: number;
  readonly held: number;
  readonly bytes: number;
}

/** The messages of a queue: where they wait, how long, how many, and what becomes of them. Who gets them is not said here. */
export class Backlog {
  terms: QueueTerms;
  readonly parts: readonly Part[];
  readonly #keeper: BacklogKeeper;
  /** Something may be delivered that could not be before. */
  readonly #pump: () => void;
  readonly #keys: KeyOrder | undefined;
  #held: number;
  #count: number;
  #bytes: number;
  #unsettled = 0;
  #unsettledBytes = 0;
  #gone = false;
  /** Places on disk that are being looked at because their time has come: each once, however often that is told. */
  readonly #inspected = new Set<string>();
  /** There while it is not known yet whose turn it is. */
  #recalling: Promise<void> | undefined;

  constructor(
    terms: QueueTerms,
    lanes: readonly Lane[],
    found: FoundMessages,
    keeper: BacklogKeeper,
    pump: () => void,
  ) {
    this.terms = terms;
    this.parts = lanes.map((lane, index) => new Part(index, lane));
    this.#keeper = keeper;
    this.#pump = pump;
    this.#keys = terms.keyOrder ? new KeyOrder() : undefined;
    this.#count = found.count;
    this.#held = found.held;
    this.#bytes = found.bytes;
    if (this.#keys === undefined || found.held === 0) return;
    // Where the storage fails, the whole broker ends.
    this.#recalling = this.#recall(this.#keys).catch(() => undefined);
  }

  /** Messages that are held back after an attempt have the turn of their key, as they had before this process. */
  async #recall(keys: KeyOrder): Promise<void> {
    let last: Due | undefined;
    for (;;) {
      const some = await this.#keeper.storage.due(last, recalledAtOnce);
      const own = some.flatMap(({ lane, seq }) => this.#partWith(lane)?.lane.row(seq) ?? []);
      const rows = await Promise.all(own);
      for (const row of rows) if (row !== undefined && hasTurn(row)) keys.recall(row.message.key);
      if (some.length < recalledAtOnce) break;
      last = some.at(-1);
    }
    this.#recalling = undefined;
    this.#pump();
  }

  /** Messages that could be delivered now. */
  get ready(): number {
    let ready = this.#keys?.behind ?? 0;
    for (const { lane } of this.parts) ready += lane.ready;
    return ready;
  }

  get unsettled(): number {
    return this.#unsettled;
  }

  get held(): number {
    return this.#held;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** It was dropped. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Too much waits for the one before it: nothing more is to be taken until something is settled. */
  get stalled(): boolean {
    return this.#recalling !== undefined || (this.#keys?.full ?? false);
  }

  /** False: there is no place for it. */
  publish(message: Message, notBefore: number | undefined): boolean {
    const { storage, env, timers } = this.#keeper;
    const { overflow, level } = this.terms;
    const bytes = bytesOf(message);
    if (overflow !== "drop-head" && this.#over(1, bytes)) {
      if (overflow === "reject-publish-dlx") this.#keeper.bury(message, "maxlen", this.terms);
      return false;
    }
    const stored = this.stores(message);
    const now = env.wall();
    const held = notBefore !== undefined && notBefore > now;
    const dueAt = held ? notBefore : this.#expiry(message, now);
    if (stored) storage.require(level);
    const { lane } = this.#partOf(message);
    const entry = lane.append(message, { enqueuedAt: now, dueAt, held, stored });
    this.#count++;
    this.#bytes += bytes;
    if (held) this.#held++;
    if (dueAt !== undefined) {
      const own = held ? entry : undefined;
      timers.add({
        dueAt,
        lane: lane.number,
        seq: lane.next - 1,
        entry: own,
        stored: entry?.stored ?? true,
      });
    }
    if (held) return true;
    this.#pump();
    this.enforce();
    return true;
  }

  /** Whether a message is written for good. */
  stores(message: Message): boolean {
    const { durable, owner, level } = this.terms;
    return message.persistent && durable && owner === undefined && level !== "memory";
  }

  #partOf(message: Message): Part {
    const { parts } = this;
    if (parts.length === 1) return parts[0]!;
    if (this.terms.shards > 0) return parts[shardOf(message.key, parts.length)]!;
    return parts[Math.min(message.priority, parts.length - 1)]!;
  }

  /** When a message that is ready since then expires. */
  #expiry(message: Message | undefined, since: number): number | undefined {
    const ms = Math.min(this.terms.ttlMs ?? Infinity, message?.expirationMs ?? Infinity);
    return ms === Infinity ? undefined : since + ms;
  }

  #over(more: number, moreBytes: number): boolean {
    const { lengthMax = Infinity, bytesMax = Infinity } = this.terms;
    if (lengthMax === Infinity && bytesMax === Infinity) return false;
    const waitingBytes = this.#bytes - this.#unsettledBytes;
    return this.ready + more > lengthMax || waitingBytes + moreBytes > bytesMax;
  }

  /** Gives up the oldest ones while there are too many. */
  enforce(): void {
    if (this.terms.overflow !== "drop-head" || this.#gone) return;
    while (this.#over(0, 0)) {
      const part = this.parts.find(({ lane }) => lane.ready > 0);
      if (part === undefined) return;
      const { lane } = part;
      if (lane.waiting.size === 0 || !lane.headIsHere) return lane.refill(() => this.enforce());
      this.#die(lane.waiting.take()!, part, "maxlen");
    }
  }

  /** Of the highest priority that has anything. */
  next(): Part | undefined {
    for (let index = this.parts.length - 1; index >= 0; index--)
      if (this.parts[index]!.lane.ready > 0) return this.parts[index];
    return undefined;
  }

  /** False: it has to be read first, which is begun. */
  isHere({ lane }: Part): boolean {
    if (lane.cold > 0 || !lane.headIsHere) lane.refill(this.#pump);
    return lane.waiting.size > 0 && lane.headIsHere;
  }

  /** Takes the head of a part for somebody; undefined when the head was not to be delivered, which is settled then. */
  take(part: Part, terms?: ConsumerTerms): HandedEntry | undefined {
    const { lane } = part;
    const entry = lane.waiting.take()!;
    const { dueAt } = entry;
    // What expires at once goes to a consumer that has room for it at once.
    const grace = terms !== undefined && dueAt === entry.enqueuedAt && entry.attempts === 0;
    if (dueAt !== undefined && !grace && dueAt <= this.#keeper.env.wall()) {
      this.#die(entry, part, "expired");
      return undefined;
    }
    if (this.#keys?.pass(entry, part) === false) return undefined;
    if (terms?.wants?.(entry.message!) === false) {
      this.#forget(entry, part);
      return undefined;
    }
    lane.handed(entry);
    this.#unsettled++;
    this.#unsettledBytes += entry.bytes;
    return new HandedEntry(entry, part, this.terms.name);
  }

  /** What is with consumers and on disk needs not be in memory too. */
  slim({ entry }: HandedEntry): void {
    const safe = entry.stored && entry.batch <= this.#keeper.storage.safe;
    if (safe && entry.dueAt === undefined && this.#keys === undefined) entry.message = undefined;
  }

  done({ entry, part }: HandedEntry): void {
    this.#back(entry);
    this.#forget(entry, part);
  }

  putBack({ entry, part }: HandedEntry, notBefore: number | undefined, counted: boolean): void {
    const { env, timers } = this.#keeper;
    const { deliveryLimit } = this.terms;
    this.#back(entry);
    if (counted) entry.attempts++;
    if (deliveryLimit !== undefined && entry.attempts > deliveryLimit)
      return this.#withMessage(entry, part, () => this.#die(entry, part, "delivery_limit"));
    entry.held = notBefore !== undefined && notBefore > env.wall();
    if (entry.held) {
      entry.dueAt = notBefore!;
      this.#held++;
      const { stored, seq, dueAt } = entry;
      timers.add({ dueAt, lane: part.lane.number, seq, entry, stored });
    }
    if (counted || entry.held) part.lane.revise(entry);
    if (entry.held) return;
    part.lane.admit(entry, this.#pump);
    this.enforce();
  }

  reject({ entry, part }: HandedEntry): void {
    this.#back(entry);
    this.#withMessage(entry, part, () => this.#die(entry, part, "rejected"));
  }

  /** It is with nobody any more. */
  #back({ bytes }: Entry): void {
    this.#unsettled--;
    this.#unsettledBytes -= bytes;
  }

  /** At once where the message is in memory. */
  #withMessage(entry: Entry, part: Part, act: () => void): void {
    if (entry.message !== undefined) return act();
    void part.lane.row(entry.seq).then((row) => {
      entry.message = row?.message;
      if (row !== undefined && !this.#gone) act();
    });
  }

  /** It is given up, and what becomes of it is one with that. */
  #die(entry: Entry, part: Part, reason: DeathReason): void {
    this.#keeper.bury(entry.message!, reason, this.terms);
    this.#forget(entry, part);
  }

  #forget(entry: Entry, part: Part): void {
    this.#count--;
    this.#bytes -= entry.bytes;
    part.lane.forget(entry);
    if (!entry.turn) return;
    const next = this.#keys?.done(entry);
    if (next !== undefined) next.part.lane.waiting.add(next.entry);
  }

  #partWith(lane: number): Part | undefined {
    return this.parts.find((part) => part.lane.number === lane);
  }

  /** The time of a message has come: it expires, or is held back no longer. */
  due({ lane: number, seq, dueAt, entry, stored }: Timed): void {
    const part = this.#partWith(number);
    if (part === undefined || this.#gone) return;
    if (entry !== undefined) {
      if (entry.held && entry.dueAt === dueAt) this.#release(entry, part);
      return;
    }
    const { waiting } = part.lane;
    const found = waiting.find(seq);
    if (found?.message === undefined) {
      // A failure of the storage ends the whole broker.
      if (stored) this.#dueOnDisk(seq, dueAt, part).catch(() => undefined);
    } else if (found.dueAt === dueAt && waiting.remove(seq)) this.#die(found, part, "expired");
    this.#pump();
  }

  async #dueOnDisk(seq: number, dueAt: number, part: Part): Promise<void> {
    const { lane } = part;
    const place = `${lane.number} ${seq}`;
    if (this.#inspected.has(place)) return;
    this.#inspected.add(place);
    try {
      await this.#inspect(seq, dueAt, part);
    } finally {
      this.#inspected.delete(place);
    }
    this.#pump();
  }

  async #inspect(seq: number, dueAt: number, part: Part): Promise<void> {
    const { lane } = part;
    await this.#recalling;
    const row = await lane.row(seq);
    await lane.reading;
    if (row === undefined || this.#gone || row.dueAt !== dueAt) return;
    if (row.held) {
      const entry = lane.entryOf(row);
      entry.turn = this.#keys !== undefined && hasTurn(row);
      this.#release(entry, part);
    } else if (lane.isCold(seq)) {
      this.#keeper.bury(row.message, "expired", this.terms);
      this.#count--;
      this.#bytes -= bytesOf(row.message);
      lane.forgetCold(row);
    } else if (lane.waiting.remove(seq)) this.#die(lane.entryOf(row), part, "expired");
  }

  /** It was held back, and is no longer. */
  #release(entry: Entry, part: Part): void {
    const { env, timers } = this.#keeper;
    const { lane } = part;
    entry.held = false;
    this.#held--;
    entry.dueAt = this.#expiry(entry.message, env.wall());
    lane.revise(entry);
    if (entry.dueAt !== undefined) {
      const { dueAt, seq, stored } = entry;
      timers.add({ dueAt, lane: lane.number, seq, entry: undefined, stored });
    }
    lane.admit(entry, this.#pump);
    this.#pump();
    this.enforce();
  }

  /** Forgets all that waits; with `held` what is held back too. Gives back how many were ready. */
  purge(held: boolean): number {
    const { ready } = this;
    for (const { entry, part } of this.#keys?.clear() ?? []) this.#forget(entry, part);
    for (const { lane } of this.parts) {
      for (const entry of lane.waiting.list(lane.waiting.size)) this.#keys?.done(entry);
      lane.purge(held);
    }
    if (held) this.#held = 0;
    this.#count = this.#unsettled + this.#held;
    if (this.#held === 0) this.#bytes = this.#unsettledBytes;
    return ready;
  }

  drop(): void {
    this.#gone = true;
    for (const { lane } of this.parts) lane.drop();
  }

  /** The first messages, whoever has them, oldest first; they stay. `unsettled`: what is with consumers. */
  async browse(limit: number, unsettled: readonly HandedEntry[]): Promise<readonly Row[]> {
    const rows = await Promise.all(this.parts.map(({ lane }) => lane.list(limit)));
    const inMemory = this.parts.flatMap((part) => {
      const handed = unsettled.filter((each) => each.part === part).map(({ entry }) => entry);
      return [...handed, ...part.lane.waiting.list(limit)]
        .filter(({ stored, message }) => !stored && message !== undefined)
        .map((entry) => rowOf(entry, part.lane.number));
    });
    return [...rows.flat(), ...inMemory]
      .toSorted((a, b) => a.enqueuedAt - b.enqueuedAt || a.seq - b.seq)
      .slice(0, limit);
  }
}

function hasTurn({ held, attempts, message }: Row): boolean {
  return held && attempts > 0 && message.key !== undefined;
}

function rowOf(entry: Entry, lane: number): Row {
  const { seq, attempts, enqueuedAt, dueAt, held } = entry;
  const message = entry.message!;
  return { lane, seq, message, attempts, enqueuedAt, dueAt, held, transient: true };
}
