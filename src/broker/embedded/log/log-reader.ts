import type { ConsumerTerms, Handed, LogStart, QueueConsumer } from "../consumer.ts";
import type { Row } from "../storage.ts";

/** What a reader asks of its log. */
export interface LogSource {
  readonly name: string;
  /** The offset of the oldest message that is kept. */
  readonly first: number;
  /** The offset of the next message. */
  readonly next: number;
  /** The offset of the first message that is not safe yet; `next` when all are. */
  readonly safeNext: number;
  /** Older messages (milliseconds since 1970) are not to be read. */
  readonly oldest: number;
  placeOf(start: LogStart): number | Promise<number>;
  inMemory(seq: number): Row | undefined;
  onDisk(seq: number): Promise<readonly Row[]>;
  left(reader: LogReader): void;
}

/** A message in the hands of a reader. */
class HandedRow implements Handed {
  readonly #row: Row;
  readonly queue: string;
  readonly shard = "0";
  readonly attempt = 1;
  readonly redelivered = false;
  readonly generation = 0;

  constructor(row: Row, queue: string) {
    this.#row = row;
    this.queue = queue;
  }

  get message(): Row["message"] {
    return this.#row.message;
  }

  get seq(): number {
    return this.#row.seq;
  }

  get enqueuedAt(): number {
    return this.#row.enqueuedAt;
  }
}

/** One consumer of a log, with its own place in it. */
export class LogReader implements QueueConsumer {
  readonly terms: ConsumerTerms;
  readonly shards: readonly string[] = [];
  readonly #log: LogSource;
  readonly #unsettled = new Set<Handed>();
  /** The offset that it looks at next; undefined as long as it is being found. */
  #place: number | undefined;
  /** What was read of the disk and not delivered yet, from `#rowsAt` on. */
  #rows: readonly Row[] = [];
  #rowsAt = 0;
  #reading = false;
  #waking = false;
  #closed = false;

  constructor(terms: ConsumerTerms, log: LogSource) {
    this.terms = terms;
    this.#log = log;
  }

  get unsettled(): number {
    return this.#unsettled.size;
  }

  /** The offset of the next message that it gets; undefined as long as that is being found. */
  get place(): number | undefined {
    return this.#place;
  }

  begin(): void {
    const place = this.#log.placeOf(this.terms.from ?? "next");
    if (typeof place === "number") {
      this.#place = place;
      return this.wake();
    }
    void place
      .then((found) => {
        this.#place = found;
        this.wake();
      })
      .catch(() => undefined); // a storage that fails ends the broker
  }

  wake(): void {
    if (this.#waking) return;
    this.#waking = true;
    try {
      while (!this.#closed && this.terms.room() > 0) {
        const row = this.#take();
        if (row === undefined) return;
        this.#hand(row);
      }
    } finally {
      this.#waking = false;
    }
  }

  /** The next message where it is in memory; else it is being read, if there is one. */
  #take(): Row | undefined {
    const log = this.#log;
    if (this.#place === undefined || this.#reading) return undefined;
    this.#place = Math.max(this.#place, log.first);
    const end = this.#end;
    for (; this.#rowsAt < this.#rows.length; this.#rowsAt++) {
      const row = this.#rows[this.#rowsAt]!;
      if (row.seq >= end) return undefined;
      if (row.seq < this.#place) continue;
      this.#rowsAt++;
      return row;
    }
    if (this.#rows.length > 0) this.#rows = [];
    if (this.#place >= end) return undefined;
    const row = log.inMemory(this.#place);
    if (row === undefined) void this.#read().catch(() => undefined); // ends the broker too
    return row;
  }

  /** It gets nothing from there on, for now. */
  get #end(): number {
    return this.terms.early === true ? this.#log.next : this.#log.safeNext;
  }

  async #read(): Promise<void> {
    const log = this.#log;
    this.#reading = true;
    // What comes from now on may not be among what is read.
    const end = this.#end;
    const place = this.#place!;
    const rows = await log.onDisk(place);
    this.#reading = false;
    this.#rows = rows;
    this.#rowsAt = 0;
    // There may be gaps.
    this.#place = rows[0]?.seq ?? Math.max(place, end);
    this.wake();
  }

  #hand(row: Row): void {
    this.#place = row.seq + 1;
    if (row.enqueuedAt < this.#log.oldest || this.terms.wants?.(row.message) === false) return;
    const handed = new HandedRow(row, this.#log.name);
    if (!this.terms.noAck) this.#unsettled.add(handed);
    this.terms.deliver(handed);
  }

  /** Gives credit. */
  ack(handed: Handed): boolean {
    if (!this.#unsettled.delete(handed)) return false;
    this.wake();
    return true;
  }

  release(handed: Handed): boolean {
    return this.ack(handed);
  }

  reject(handed: Handed): boolean {
    return this.ack(handed);
  }

  /** A log keeps its messages whatever becomes of the reader. */
  retire(): void {
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#leave();
    this.#log.left(this);
  }

  /** The log is gone. */
  cancel(reason: string): void {
    this.#leave();
    this.terms.cancelled(reason);
  }

  #leave(): void {
    this.#closed = true;
    this.#unsettled.clear();
    this.#rows = [];
  }
}
