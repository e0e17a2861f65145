import type { Worker } from "node:worker_threads";
import type { Env } from "../../../base/env.ts";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import type {
  Definition,
  Due,
  Found,
  FoundLane,
  Level,
  Revision,
  Row,
  Storage,
} from "../storage.ts";
import { Courier, startThread } from "./courier.ts";
import type { Answer, Opened, Question, ThreadFigures, Tuning, Upkeep } from "./messages.ts";
import { noted } from "./noted.ts";
import type { OpenBatch } from "./open-batch.ts";
import { unpack } from "./packed-rows.ts";
import type { PackedRows } from "./reader.ts";
import { Room } from "./room.ts";
import { UpkeepAlarm } from "./upkeep-alarm.ts";

/** How a storage on disk is kept. Leave it alone until a measurement says otherwise. */
export interface SqliteStorageOptions extends Partial<Tuning> {
  /**
   * So many bytes must be free on the disk for more to be taken; below, only what makes room is. Default: 64 MiB, or three times
   * the write-ahead log where that is more.
   */
  readonly freeBytesMin?: number;
  /**
   * The folder may be on a network file system, although what is synced there need not be on a disk, and two machines may both
   * believe that it is theirs. Default false.
   */
  readonly networkAllowed?: boolean;
}

/** What has been written since a storage was opened. */
export interface StorageFigures extends ThreadFigures {
  /** Transactions. */
  readonly batches: number;
  readonly messages: number;
  /** Of the messages, as they are counted (`bytesOf`). */
  readonly bytes: number;
}

const mebibyte = 1_048_576;
/** A batch that has more bytes is closed at the end of the turn, although the one before it is still being written. */
const batchBytesMax = 4 * mebibyte;

/** Opens the file of a storage, or makes it. @throws TrunklineError when it cannot be opened. */
export async function openFile(
  path: string,
  options: SqliteStorageOptions,
  env: Env,
): Promise<SqliteStorage> {
  const { walBytesMax = 16 * mebibyte, cacheBytesMax = 64 * mebibyte } = options;
  const { freeBytesMin = Math.max(64 * mebibyte, 3 * walBytesMax) } = options;
  const [thread, opened] = await startThread({ path, walBytesMax, cacheBytesMax });
  return new SqliteStorage(env, thread, opened, freeBytesMin);
}

/** A storage in one SQLite file, which a thread of its own writes. */
export class SqliteStorage implements Storage {
  readonly found: Found;
  readonly failed: Promise<TrunklineError>;
  batch = 1;
  safe = 0;
  unwrittenBytes = 0;
  readonly #env: Env;
  readonly #courier: Courier;
  readonly #compact: Set<number>;
  readonly #room: Room;
  readonly #upkeep: UpkeepAlarm;
  readonly #fail: (error: TrunklineError) => void;
  readonly #safeListeners: (() => void)[] = [];
  /** Closed, and not sent yet, the oldest first. */
  readonly #closed: { readonly number: number; readonly batch: OpenBatch }[] = [];
  readonly #questions: (() => void)[] = [];
  #open: OpenBatch;
  #deferred = false;
  /** Bytes of the batch that is with the thread. */
  #sentBytes = 0;
  #waiting: { readonly batch: number; readonly settle: PromiseWithResolvers<void> }[] = [];
  #failure: TrunklineError | undefined;
  #closing: Promise<void> | undefined;
  #batches = 0;
  #messages = 0;
  #bytes = 0;

  constructor(env: Env, thread: Worker, opened: Opened, freeBytesMin: number) {
    this.#env = env;
    this.found = opened.found;
    this.#compact = new Set(opened.compact);
    const { promise, resolve } = Promise.withResolvers<TrunklineError>();
    this.failed = promise;
    this.#fail = resolve;
    this.#courier = new Courier(thread, {
      done: (batch, freeBytes) => this.#done(batch, freeBytes),
      failed: (error) => this.#failed(error),
    });
    this.#open = this.#courier.sheet();
    this.#room = new Room(freeBytesMin, opened.freeBytes);
    this.#upkeep = new UpkeepAlarm(env, (quiet) => this.#tidyUp(quiet));
  }

  get roomy(): boolean {
    return this.#room.roomy;
  }

  insert(row: Row): number {
    this.#note();
    const open = this.#open;
    const before = open.size;
    const place = open.insert(row);
    const size = open.size - before;
    this.unwrittenBytes += size;
    this.#messages++;
    this.#bytes += size;
    this.#room.take(size);
    // Only a look at the disk finds room again.
    if (!this.#room.roomy) this.#upkeep.wrote();
    return place;
  }

  remove(lane: number, seq: number, bytes: number, batch: number, place: number): void {
    const open = this.#open;
    // In a compact lane an insert is the end of an older message too.
    if (batch === this.batch && !this.#compact.has(lane)) {
      const size = open.takeBack(place);
      this.unwrittenBytes -= size;
      this.#room.giveBack(size);
      return;
    }
    this.#note();
    if (batch === this.batch) open.separate();
    open.remove(lane, seq, bytes);
  }

  revise(lane: number, seq: number, revision: Revision): void {
    this.#note();
    this.#open.revise(lane, seq, revision);
  }

  delivered(lane: number, seq: number): void {
    this.#note();
    this.#open.upTo(noted.delivered, lane, seq);
  }

  trim(lane: number, seq: number): void {
    this.#note();
    this.#open.upTo(noted.trim, lane, seq);
  }

  purge(lane: number, seq: number, held: boolean): void {
    this.#note();
    this.#open.purge(lane, seq, held);
  }

  drop(lane: number): void {
    this.#note();
    this.#compact.delete(lane);
    this.#open.whole(noted.drop, lane);
  }

  compact(lane: number): void {
    this.#note();
    this.#compact.add(lane);
    this.#open.whole(noted.compact, lane);
  }

  define({ kind, name, value }: Definition): void {
    this.#note();
    this.#open.text(noted.define, [kind, name, value]);
  }

  undefine(kind: string, name: string): void {
    this.#note();
    this.#open.text(noted.undefine, [kind, name]);
  }

  remember(at: number, marks: readonly number[], forgetBefore: number): void {
    this.#note();
    this.#open.remember(at, marks, forgetBefore);
  }

  require(level: Level): void {
    if (level === "disk") this.#open.level = level;
  }

  onSafe(listener: () => void): void {
    this.#safeListeners.push(listener);
  }

  onRoom(listener: () => void): void {
    this.#room.listen(listener);
  }

  until(batch: number): Promise<void> {
    if (this.safe >= batch) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (batch === this.batch) this.#open.awaited = true;
    this.#note();
    const settle = Promise.withResolvers<void>();
    this.#waiting.push({ batch, settle });
    return settle.promise;
  }

  async read(lane: number, seq: number, limit: number, bytesMax: number): Promise<readonly Row[]> {
    return unpack((await this.#ask(["read", lane, seq, limit, bytesMax, false])) as PackedRows);
  }

  async readAll(
    lane: number,
    seq: number,
    limit: number,
    bytesMax: number,
  ): Promise<readonly Row[]> {
    return unpack((await this.#ask(["read", lane, seq, limit, bytesMax, true])) as PackedRows);
  }

  async seek(lane: number, enqueuedAt: number): Promise<number> {
    return (await this.#ask(["seek", lane, enqueuedAt])) as number;
  }

  async look(lane: number): Promise<FoundLane | undefined> {
    return (await this.#ask(["look", lane])) as FoundLane | undefined;
  }

  async due(after: Due | undefined, limit: number): Promise<readonly Due[]> {
    return (await this.#ask(["due", after, limit])) as readonly Due[];
  }

  async figures(): Promise<StorageFigures> {
    const figures = (await this.#ask(["figures"])) as ThreadFigures;
    return { ...figures, batches: this.#batches, messages: this.#messages, bytes: this.#bytes };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#upkeep.stop();
    if (this.#open.begun) await this.until(this.batch).catch(() => {});
    else await this.until(this.batch - 1).catch(() => {});
    this.#failure ??= closed();
    await this.#courier.close();
  }

  /** What is noted in a turn is written at its end, or as soon as the thread is free. */
  #note(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#env.defer(() => {
      this.#deferred = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#failure !== undefined) {
      if (this.#open.begun) this.#open = this.#courier.sheet();
      return;
    }
    const free = !this.#courier.busy && this.#closed.length === 0;
    if (this.#open.begun && (free || this.#open.filled > batchBytesMax)) {
      this.#closed.push({ number: this.batch++, batch: this.#open });
      this.#open = this.#courier.sheet();
    }
    while (!this.#courier.busy) {
      const next = this.#closed.shift();
      if (next === undefined) break;
      if (next.batch.empty) this.#rise(next.number);
      else {
        this.#batches++;
        this.#sentBytes = next.batch.size;
        this.#courier.post(next.number, next.batch);
      }
    }
    // A question is answered from what is in the file: it goes when all that was noted before it has gone.
    if (this.#closed.length === 0 && this.#open.empty)
      for (const put of this.#questions.splice(0)) put();
  }

  #ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#questions.push(() => void this.#courier.ask(question).then(resolve, reject));
      if (this.#failure !== undefined) reject(this.#failure);
      this.#note();
    });
  }

  #done(batch: number, freeBytes: number | undefined): void {
    this.unwrittenBytes -= this.#sentBytes;
    this.#upkeep.wrote();
    if (freeBytes !== undefined) this.#room.know(freeBytes, this.unwrittenBytes);
    // The thread goes on with the next batch while those who waited for this one are told.
    this.#flush();
    this.#rise(batch);
  }

  #rise(batch: number): void {
    if (batch <= this.safe) return;
    this.safe = batch;
    for (const listener of this.#safeListeners) listener();
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((each) => each.batch > batch);
    for (const each of waiting) if (each.batch <= batch) each.settle.resolve();
  }

  #failed(error: TrunklineError): void {
    this.#failure = error;
    this.#upkeep.stop();
    this.#closed.length = 0;
    for (const { settle } of this.#waiting.splice(0)) settle.reject(error);
    for (const put of this.#questions.splice(0)) put();
    this.#fail(error);
  }

  async #tidyUp(quiet: boolean): Promise<boolean> {
    const { more, freeBytes } = (await this.#ask(["upkeep", quiet, !this.roomy])) as Upkeep;
    this.#room.know(freeBytes, this.unwrittenBytes);
    return more || !this.roomy;
  }
}

function closed(): TrunklineError {
  return systemError("UNAVAILABLE", "The storage is closed.", { executed: "no" });
}
