import { Entry } from "./entry.ts";
import { bytesOf, type Message } from "../message.ts";
import type { FoundLane, Row, Storage } from "../storage.ts";
import { Waiting } from "./waiting.ts";
import type { WindowBudget } from "./window-budget.ts";

/** Messages of one lane that are in memory and wait; more wait on disk. */
const windowMax = 4_096;
/** The same in bytes. */
const windowBytesMax: number = 4 * 1024 * 1024;
/** When fewer than this wait in memory, more are read. */
const windowLow = 1_024;

/** How a message comes into a lane. */
export interface Arrival {
  /** In milliseconds since 1970. */
  readonly enqueuedAt: number;
  readonly dueAt: number | undefined;
  readonly held: boolean;
  /** It is to be written now; otherwise only when memory is short. */
  readonly stored: boolean;
}

/**
 * The messages of a queue, or of one of its shards or priorities, in their order. The first ones wait in memory, a window of bounded
 * size; all that come after them are cold: on disk alone. So a long queue costs no more memory than a short one.
 */
export class Lane {
  readonly number: number;
  readonly #storage: Storage;
  readonly #budget: WindowBudget;
  readonly waiting: Waiting;
  /** What its next message will be. */
  next: number;
  /** Messages on disk alone that are not held back; all of them are at `#coldFrom` or behind it. */
  #cold: number;
  #coldFrom: number;
  /** All below this were with a consumer when the process before this one ended, or before. */
  readonly #deliveredBefore: number;
  #delivered: number;
  #reading: Promise<void> | undefined;
  #broken = false;
  /** Rises when what is being read is no longer wanted. */
  #life = 0;

  constructor(number: number, storage: Storage, budget: WindowBudget, found?: FoundLane) {
    this.number = number;
    this.#storage = storage;
    this.#budget = budget;
    this.waiting = new Waiting(budget);
    // What never reached the disk because it was done before has used places too.
    this.next = Math.max(found?.next ?? 1, found?.delivered ?? 1);
    this.#cold = found === undefined ? 0 : found.count - found.held;
    this.#coldFrom = found?.first ?? 1;
    this.#deliveredBefore = found?.delivered ?? 0;
    this.#delivered = this.#deliveredBefore;
  }

  /** Messages that could be delivered. */
  get ready(): number {
    return this.waiting.size + this.#cold;
  }

  get cold(): number {
    return this.#cold;
  }

  /** Resolves when what is being read has come; undefined when nothing is. */
  get reading(): Promise<void> | undefined {
    return this.#reading;
  }

  /** What is on disk can no longer be read. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Takes a message. What is given back is its entry, where it has one in memory: not when it is cold. */
  append(message: Message, arrival: Arrival): Entry | undefined {
    const seq = this.next++;
    const { held } = arrival;
    const bytes = bytesOf(message);
    const cold = !held && this.#full(bytes);
    let batch = -1;
    let place = 0;
    if (arrival.stored || cold) {
      batch = this.#storage.batch;
      place = this.#storage.insert({
        lane: this.number,
        seq,
        message,
        attempts: 0,
        enqueuedAt: arrival.enqueuedAt,
        dueAt: arrival.dueAt,
        held,
        transient: !arrival.stored,
      });
    }
    if (cold) {
      if (this.#cold++ === 0) this.#coldFrom = seq;
      return undefined;
    }
    const entry = new Entry(seq, message, bytes, { ...arrival, attempts: 0 }, batch, place);
    if (!held) this.waiting.add(entry);
    return entry;
  }

  #full(bytes: number): boolean {
    return (
      this.#cold > 0 ||
      this.waiting.size >= windowMax ||
      !this.#budget.has(bytes, this.waiting.size) ||
      (this.waiting.size > 0 && this.waiting.bytes + bytes > windowBytesMax)
    );
  }

  /** True where a message at that place would be on disk alone. */
  isCold(seq: number): boolean {
    return this.#cold > 0 && seq >= this.#coldFrom;
  }

  /** An entry comes (back) to its place: it was with a consumer, or was held back. `later`: when that has to wait for a reading. */
  admit(entry: Entry, later: () => void): void {
    if (!this.isCold(entry.seq) || !entry.stored) this.waiting.add(entry);
    else if (this.#reading === undefined) this.#cold++;
    else
      void this.#reading.then(() => {
        this.admit(entry, later);
        later();
      });
  }

  /** A message is gone, from wherever it was. */
  forget(entry: Entry): void {
    if (entry.stored)
      this.#storage.remove(this.number, entry.seq, entry.bytes, entry.batch, entry.place);
  }

  /** A cold message is gone. */
  forgetCold({ seq, message }: Row): void {
    this.#storage.remove(this.number, seq, bytesOf(message), 0, 0);
    this.#cold--;
  }

  /** Notes what of an entry has changed. */
  revise({ stored, seq, attempts, dueAt, held }: Entry): void {
    if (stored) this.#storage.revise(this.number, seq, { attempts, dueAt, held });
  }

  /** An entry goes to a consumer. */
  handed({ seq, stored }: Entry): void {
    if (seq < this.#delivered) return;
    this.#delivered = seq + 1;
    if (stored) this.#storage.delivered(this.number, seq + 1);
  }

  /** An entry of a row that was read. */
  entryOf(row: Row): Entry {
    const { seq, message } = row;
    const before = seq < this.#deliveredBefore ? 1 : 0;
    const terms = { ...row, attempts: row.attempts + before };
    return new Entry(seq, message, bytesOf(message), terms, 0, 0);
  }

  /** True when the head can be taken, or there is none: else something has to be read first. */
  get headIsHere(): boolean {
    const { first } = this.waiting;
    return first === undefined ? this.#cold === 0 : first.message !== undefined;
  }

  /** Reads more when little is left in memory; `then` when it has come. */
  refill(then: () => void): void {
    const { first } = this.waiting;
    if (this.#reading !== undefined) return;
    if (first !== undefined && first.message === undefined) this.#read(this.#bodies(first), then);
    else if (this.#cold > 0 && this.waiting.size < windowLow) this.#read(this.#more(), then);
  }

  #read(work: Promise<void>, then: () => void): void {
    const read = work.then(() => {
      this.#reading = undefined;
    });
    // A failure of the storage ends the whole broker: nothing more is read then.
    this.#reading = read.catch(() => void (this.#broken = true));
    void read.then(then, () => undefined);
  }

  async #more(): Promise<void> {
    const life = this.#life;
    const storage = this.#storage;
    const rows = await storage.read(this.number, this.#coldFrom, windowMax, windowBytesMax);
    if (life !== this.#life) return;
    for (const row of rows) this.waiting.add(this.entryOf(row));
    const last = rows.at(-1);
    this.#coldFrom = last === undefined ? this.next : last.seq + 1;
    this.#cold = last === undefined ? 0 : this.#cold - rows.length;
  }

  /** Reads the bodies of entries that were let go of while they were with a consumer. */
  async #bodies(first: Entry): Promise<void> {
    const wanted = this.waiting.list(windowMax);
    const rows = await this.#storage.read(this.number, first.seq, windowMax, windowBytesMax);
    const messages = new Map(rows.map(({ seq, message }) => [seq, message]));
    for (const entry of wanted) entry.message ??= messages.get(entry.seq);
  }

  /** Forgets all that waits. `held`: what is held back too. Gives back how many were ready. */
  purge(held: boolean): number {
    const { ready } = this;
    for (const entry of this.waiting.list(this.waiting.size)) this.forget(entry);
    this.waiting.clear();
    if (held) this.#storage.purge(this.number, 0, true);
    else if (this.#cold > 0) this.#storage.purge(this.number, this.#coldFrom, false);
    this.#cold = 0;
    this.#life++;
    return ready;
  }

  /** It is gone, with all that is in it. */
  drop(): void {
    this.#storage.drop(this.number);
    this.waiting.clear();
    this.#cold = 0;
    this.#life++;
  }

  /** The first ones on disk, whoever has them. */
  list(limit: number): Promise<readonly Row[]> {
    return this.#storage.readAll(this.number, 0, limit, windowBytesMax);
  }

  /** The message of a place, from disk; undefined when it is not there. */
  async row(seq: number): Promise<Row | undefined> {
    const [row] = await this.#storage.readAll(this.number, seq, 1, windowBytesMax);
    return row?.seq === seq ? row : undefined;
  }
}
