import type { AnyQueue, Taken } from "../any-queue.ts";
import type { ConsumerTerms, LogStart } from "../consumer.ts";
import { LogReader, type LogSource } from "./log-reader.ts";
import { LogSizes } from "./log-sizes.ts";
import { Tail } from "./log-tail.ts";
import { bytesOf, type Message } from "../message.ts";
import { Refusal } from "../refusal.ts";
import type { FoundLane, Row } from "../storage.ts";
import type { QueueTerms } from "../terms.ts";
import type { Timed } from "../queue/timers.ts";
import type { QueueKeeper } from "../queue/work-queue.ts";

/** Readers of one log. */
const readersMax = 1_000;
/** What is read of the disk at once, for one reader. */
const readMax = 256;
const readBytesMax: number = 256 * 1024;
/** How much more than its bound a log may keep before it is cut: a part of the bound, and at most so many messages. */
const slackPart = 100;
const slackMax = 1_000;
/** How often what is too old is looked for, in milliseconds: a part of how long it is kept, within these bounds. */
const agePart = 20;
const ageLookMs = { least: 1_000, most: 60_000 };

/** How many new messages of a compacted log there are, at least, before it is seen how many old ones they have replaced. */
const recountMin = 16;

/** A lane of a log, as far as others see it. */
class LogLane {
  readonly number: number;
  next: number;
  ready: number;

  constructor(number: number, found: FoundLane | undefined) {
    this.number = number;
    this.next = found?.next ?? 0;
    this.ready = found?.count ?? 0;
  }
}

/**
 * A retained log: what was delivered stays, and each reader has a place of its own. Places are offsets, which begin with 0 and rise
 * with each message. What is older, or more, than is to be kept goes in pieces from its oldest end; nobody is given what is too
 * old, whether it has gone yet or not. All of its messages are kept alike, persistent or not.
 *
 * Read it with acknowledgements or without: they give credit, and nothing else. What a reader releases or rejects is not delivered
 * again; whoever wants that reads on from an offset.
 */
export class Log implements AnyQueue, LogSource {
  readonly #keeper: QueueKeeper;
  readonly #kept: LogLane;
  readonly #heldBack: LogLane;
  readonly #tail: Tail = new Tail();
  #terms: QueueTerms;
  #first: number;
  #sizes: LogSizes;
  /** Of a compacted log: when its next message is that one, its messages are counted. */
  #recountAt = recountMin;
  #heldBytes: number;
  #lookedAt: number;
  /** Where the messages of each batch begin that is not safe yet. */
  #unsafe: { readonly batch: number; readonly from: number }[] = [];
  #readers: readonly LogReader[] = [];
  #gone = false;

  /** `lanes`: that of its messages, and that of those that are held back. */
  constructor(
    terms: QueueTerms,
    lanes: readonly number[],
    found: (lane: number) => FoundLane | undefined,
    keeper: QueueKeeper,
  ) {
    this.#terms = terms;
    this.#keeper = keeper;
    const [kept, held] = lanes as readonly [number, number];
    this.#kept = new LogLane(kept, found(kept));
    this.#heldBack = new LogLane(held, found(held));
    this.#first = found(kept)?.first ?? 0;
    this.#sizes = new LogSizes(this.#first, this.#kept.next, found(kept)?.bytes ?? 0);
    this.#heldBytes = found(held)?.bytes ?? 0;
    this.#lookedAt = keeper.env.wall();
    if (terms.compacted && found(kept) === undefined) keeper.storage.compact(kept);
  }

  get name(): string {
    return this.#terms.name;
  }

  get terms(): QueueTerms {
    return this.#terms;
  }

  set terms(terms: QueueTerms) {
    this.#terms = terms;
    this.#cut(false);
    this.#cutOld(this.#keeper.env.wall());
  }

  get lanes(): readonly LogLane[] {
    return [this.#kept, this.#heldBack];
  }

  get consumers(): readonly LogReader[] {
    return this.#readers;
  }

  /** Messages that are kept. Of a compacted log sometimes more: what a newer one has replaced is taken off now and then. */
  get ready(): number {
    return this.#kept.ready;
  }

  get unsettled(): number {
    return this.#readers.reduce((sum, { unsettled }) => sum + unsettled, 0);
  }

  get held(): number {
    return this.#heldBack.ready;
  }

  get count(): number {
    return this.ready + this.held;
  }

  /** About. */
  get bytes(): number {
    return this.#sizes.bytes + this.#heldBytes;
  }

  /** The offset of the oldest message that is kept. */
  get first(): number {
    const { lengthMax = Infinity, compacted } = this.#terms;
    return compacted ? this.#first : Math.max(this.#first, this.next - lengthMax);
  }

  /** The offset that the next message will have. */
  get next(): number {
    return this.#kept.next;
  }

  get safeNext(): number {
    const { safe } = this.#keeper.storage;
    while (this.#unsafe.length > 0 && this.#unsafe[0]!.batch <= safe) this.#unsafe.shift();
    return this.#unsafe[0]?.from ?? this.next;
  }

  get gone(): boolean {
    return this.#gone;
  }

  stores(): boolean {
    const { durable, owner, level } = this.#terms;
    return durable && owner === undefined && level !== "memory";
  }

  publish(message: Message, notBefore?: number): boolean {
    const now = this.#keeper.env.wall();
    if (notBefore !== undefined && notBefore > now) this.#hold(message, now, notBefore);
    else this.#append(message, now);
    return true;
  }

  #hold(message: Message, now: number, dueAt: number): void {
    const lane = this.#heldBack;
    const row = this.#insert(lane, message, now, dueAt);
    this.#heldBytes += bytesOf(message);
    this.#keeper.timers.add({
      dueAt,
      lane: lane.number,
      seq: row.seq,
      entry: undefined,
      stored: true,
    });
  }

  #append(message: Message, now: number): void {
    const row = this.#insert(this.#kept, message, now);
    this.#sizes.add(row.seq, bytesOf(message));
    if (!row.transient) this.#isUnsafe(row.seq);
    this.#cut(true);
    this.#cutOldNowAndThen(now);
    if (this.#terms.compacted && this.next >= this.#recountAt) this.#recount();
    if (this.#readers.length === 0) return;
    this.#tail.add(row);
    this.pump();
  }

  #isUnsafe(seq: number): void {
    const { batch } = this.#keeper.storage;
    if (this.#unsafe.at(-1)?.batch === batch) return;
    // Others are safe by now.
    void this.safeNext;
    this.#unsafe.push({ batch, from: seq });
    if (this.#readers.length > 0) this.#pumpAfter(batch);
  }

  #pumpAfter(batch: number): void {
    const pump = (): void => this.pump();
    void this.#keeper.storage.until(batch).then(pump, () => undefined);
  }

  #insert(lane: LogLane, message: Message, enqueuedAt: number, dueAt?: number): Row {
    const { storage } = this.#keeper;
    const stored = this.stores();
    if (stored) storage.require(this.#terms.level);
    const row: Row = {
      lane: lane.number,
      seq: lane.next++,
      message,
      attempts: 0,
      enqueuedAt,
      dueAt,
      held: dueAt !== undefined,
      transient: !stored,
    };
    storage.insert(row);
    lane.ready++;
    return row;
  }

  /** Lets go of what is more than is to be kept, but not of the newest. `loosely`: once it is more by some part of that. */
  #cut(loosely: boolean): void {
    const { lengthMax = Infinity, bytesMax = Infinity, compacted } = this.#terms;
    const slack = (most: number) => (loosely ? Math.floor(most / slackPart) : 0);
    const newest = this.next - 1;
    if (!compacted && this.ready > lengthMax + Math.min(slackMax, slack(lengthMax)))
      this.#trim(Math.min(newest, this.next - lengthMax));
    if (this.#sizes.bytes > bytesMax + slack(bytesMax))
      this.#trim(Math.min(newest, this.#sizes.leaving(bytesMax)));
  }

  #cutOldNowAndThen(now: number): void {
    const { retentionMs = Infinity } = this.#terms;
    const { least, most } = ageLookMs;
    if (now - this.#lookedAt >= Math.min(most, Math.max(least, retentionMs / agePart)))
      this.#cutOld(now);
  }

  #cutOld(now: number): void {
    const { retentionMs, compacted } = this.#terms;
    this.#lookedAt = now;
    if (retentionMs === undefined || compacted) return;
    void this.#keeper.storage
      .seek(this.#kept.number, now - retentionMs)
      .then((seq) => this.#trim(seq))
      .catch(() => undefined); // a storage that fails ends the broker
  }

  /** Asks the storage what a compacted log has, each time that it has grown by a part. */
  #recount(): void {
    const { storage } = this.#keeper;
    this.#recountAt = Infinity;
    void storage
      .look(this.#kept.number)
      .then((found) => {
        if (found === undefined || this.#gone) return;
        const { first, next, count, bytes } = found;
        const unseen = this.#sizes.from(next);
        this.#first = Math.max(first, this.#first);
        this.#kept.ready = count + this.next - next;
        this.#sizes = new LogSizes(this.#first, this.next, bytes + unseen);
        this.#recountAt = this.next + Math.max(recountMin, count >> 2);
      })
      .catch(() => undefined); // a storage that fails ends the broker
  }

  #trim(seq: number): void {
    const upTo = Math.min(seq, this.next);
    if (upTo <= this.#first || this.#gone) return;
    // Of a compacted log there may be fewer.
    const left = upTo === this.next ? 0 : Math.max(1, this.ready - (upTo - this.#first));
    this.#kept.ready = left;
    this.#first = upTo;
    this.#sizes.trim(upTo);
    this.#tail.trim(upTo);
    this.#keeper.storage.trim(this.#kept.number, upTo);
  }

  consume(terms: ConsumerTerms): LogReader {
    const readers = this.#readers;
    if (readers.length >= readersMax)
      throw new Refusal("resource-error", `${readersMax} consumers of '${this.name}' are there`);
    const reader = new LogReader(terms, this);
    this.#readers = [...readers, reader];
    if (readers.length === 0) {
      this.#tail.begin(this.next);
      for (const { batch } of this.#unsafe) this.#pumpAfter(batch);
      this.#keeper.used(this);
    }
    reader.begin();
    return reader;
  }

  left(reader: LogReader): void {
    this.#readers = this.#readers.filter((each) => each !== reader);
    if (this.#readers.length > 0 || this.#gone) return;
    this.#tail.begin(this.next);
    this.#keeper.used(this);
  }

  /** The place where a reader begins, once it is known. */
  placeOf(start: LogStart): number | Promise<number> {
    if (start === "first") return this.first;
    if (start === "next") return this.next;
    if (start === "last") return Math.max(this.first, this.next - 1);
    if (typeof start === "number") return Math.max(this.first, start);
    return this.#keeper.storage.seek(this.#kept.number, start.time);
  }

  /** Messages of that instant (milliseconds since 1970) and later are not too old. */
  get oldest(): number {
    const { retentionMs, compacted } = this.#terms;
    if (retentionMs === undefined || compacted) return 0;
    return this.#keeper.env.wall() - retentionMs;
  }

  /** A message of late, without reading; undefined when it is only on disk. */
  inMemory(seq: number): Row | undefined {
    return this.#tail.get(seq);
  }

  onDisk(seq: number): Promise<readonly Row[]> {
    return this.#keeper.storage.read(this.#kept.number, seq, readMax, readBytesMax);
  }

  pump(): void {
    for (const reader of this.#readers) reader.wake();
  }

  /** A message was held back, and is no longer: it comes to the end. */
  due({ lane, seq, dueAt }: Timed): void {
    if (lane === this.#heldBack.number) void this.#release(seq, dueAt).catch(() => undefined); // a storage that fails ends the broker
  }

  async #release(seq: number, dueAt: number): Promise<void> {
    const { storage, env } = this.#keeper;
    const lane = this.#heldBack;
    const [row] = await storage.readAll(lane.number, seq, 1, readBytesMax);
    if (this.#gone || row?.seq !== seq || row.dueAt !== dueAt) return;
    const bytes = bytesOf(row.message);
    storage.remove(lane.number, seq, bytes, 0, 0);
    lane.ready--;
    this.#heldBytes -= bytes;
    this.#append(row.message, env.wall());
  }

  take(): Promise<Taken | undefined> {
    return Promise.reject(
      new Refusal("not-allowed", `basic.get not supported by stream queues ${this.name}`),
    );
  }

  purge(held: boolean = false): number {
    const { ready } = this;
    this.#trim(this.next);
    if (!held || this.#heldBack.ready === 0) return ready;
    this.#keeper.storage.purge(this.#heldBack.number, 0, true);
    this.#heldBack.ready = 0;
    this.#heldBytes = 0;
    return ready;
  }

  drop(reason: string): void {
    this.#gone = true;
    const readers = this.#readers;
    this.#readers = [];
    for (const { number } of this.lanes) this.#keeper.storage.drop(number);
    for (const reader of readers) reader.cancel(reason);
  }

  async browse(limit: number): Promise<readonly Row[]> {
    const rows = await this.#keeper.storage.read(
      this.#kept.number,
      this.first,
      limit,
      readBytesMax,
    );
    return rows.filter(({ enqueuedAt }) => enqueuedAt >= this.oldest);
  }
}
