import type { Env } from "../../../base/env.ts";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import { Alarm } from "../../../base/timer-wheel.ts";
import { bytesOf } from "../message.ts";
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
import { ModelImage, ownMessage } from "./model-image.ts";

type Change = (image: ModelImage) => void;

interface ModelBatch {
  readonly number: number;
  readonly changes: (Change | undefined)[];
  bytes: number;
  disk: boolean;
}

export interface ModelStorageOptions {
  /** What is there. Default: nothing. */
  readonly image?: ModelImage;
  /**
   * When a batch is written: `turn`: at the end of the turn; a number: so many milliseconds after the one before it, as a disk
   * takes them; `manual`: whenever `commit` is called. Default `turn`.
   */
  readonly commits?: "turn" | "manual" | number;
}

/**
 * A storage in memory, for tests and the simulator: it does what a disk does at the instants that somebody says, and can lose what a
 * disk would lose.
 */
export class ModelStorage implements Storage {
  readonly found: Found;
  readonly failed: Promise<TrunklineError>;
  safe = 0;
  unwrittenBytes = 0;
  /** Whether more is taken; `setRoomy` changes it. */
  roomy = true;
  readonly #env: Env;
  readonly #commits: "turn" | "manual" | number;
  /** With all that was noted. */
  readonly #live: ModelImage;
  /** What the operating system has. */
  readonly #written: ModelImage;
  /** What outlives its power. */
  readonly #synced: ModelImage;
  readonly #fail: (error: TrunklineError) => void;
  readonly #safeListeners: (() => void)[] = [];
  readonly #roomListeners: (() => void)[] = [];
  readonly #alarm = new CommitAlarm(() => this.#step());
  #open: ModelBatch = { number: 1, changes: [], bytes: 0, disk: false };
  #writing: ModelBatch | undefined;
  #unsynced: ModelBatch[] = [];
  #waiting: { readonly batch: number; readonly settle: PromiseWithResolvers<void> }[] = [];
  #deferred = false;
  #failure: TrunklineError | undefined;

  constructor(env: Env, options: ModelStorageOptions = {}) {
    const { image = new ModelImage(), commits = "turn" } = options;
    this.#env = env;
    this.#commits = commits;
    this.#live = image.copy();
    this.#written = image.copy();
    this.#synced = image.copy();
    this.found = image.copy().found();
    const { promise, resolve } = Promise.withResolvers<TrunklineError>();
    this.failed = promise;
    this.#fail = resolve;
  }

  get batch(): number {
    return this.#open.number;
  }

  insert(row: Row): number {
    const own = { ...row, message: ownMessage(row.message) };
    const bytes = bytesOf(row.message);
    this.#open.bytes += bytes;
    this.unwrittenBytes += bytes;
    return this.#note((image) => image.insert(own));
  }

  remove(lane: number, seq: number, bytes: number, batch: number, place: number): void {
    const { number, changes } = this.#open;
    if (batch === number && !this.#live.isCompact(lane)) {
      changes[place] = undefined;
      this.#open.bytes -= bytes;
      this.unwrittenBytes -= bytes;
      this.#live.remove(lane, seq);
    } else this.#note((image) => image.remove(lane, seq));
  }

  revise(lane: number, seq: number, { attempts, dueAt, held }: Revision): void {
    this.#note((image) => image.revise(lane, seq, { attempts, dueAt, held }));
  }

  delivered(lane: number, seq: number): void {
    this.#note((image) => image.delivered(lane, seq));
  }

  trim(lane: number, seq: number): void {
    this.#note((image) => image.trim(lane, seq));
  }

  purge(lane: number, seq: number, held: boolean): void {
    this.#note((image) => image.purge(lane, seq, held));
  }

  drop(lane: number): void {
    this.#note((image) => image.drop(lane));
  }

  compact(lane: number): void {
    this.#note((image) => image.compact(lane));
  }

  define(definition: Definition): void {
    const own = structuredClone(definition);
    this.#note((image) => image.define(own));
  }

  undefine(kind: string, name: string): void {
    this.#note((image) => image.undefine(kind, name));
  }

  remember(at: number, marks: readonly number[], forgetBefore: number): void {
    const own = Uint32Array.from(marks);
    this.#note((image) => image.remember(at, own, forgetBefore));
  }

  require(level: Level): void {
    if (level === "disk") this.#open.disk = true;
  }

  onSafe(listener: () => void): void {
    this.#safeListeners.push(listener);
  }

  onRoom(listener: () => void): void {
    this.#roomListeners.push(listener);
  }

  until(batch: number): Promise<void> {
    if (this.safe >= batch) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const settle = Promise.withResolvers<void>();
    this.#waiting.push({ batch, settle });
    this.#schedule();
    return settle.promise;
  }

  read(lane: number, seq: number, limit: number, bytesMax: number): Promise<readonly Row[]> {
    return this.#answer(() => this.#live.read(lane, seq, limit, bytesMax, false));
  }

  readAll(lane: number, seq: number, limit: number, bytesMax: number): Promise<readonly Row[]> {
    return this.#answer(() => this.#live.read(lane, seq, limit, bytesMax, true));
  }

  look(lane: number): Promise<FoundLane | undefined> {
    return this.#answer(() => this.#live.look(lane));
  }

  seek(lane: number, enqueuedAt: number): Promise<number> {
    return this.#answer(() => this.#live.seek(lane, enqueuedAt));
  }

  due(after: Due | undefined, limit: number): Promise<readonly Due[]> {
    return this.#answer(() => this.#live.due(after, limit));
  }

  async close(): Promise<void> {
    while (this.#failure === undefined && (this.#begun || this.#writing !== undefined))
      this.commit();
    this.#end(systemError("UNAVAILABLE", "The storage is closed.", { executed: "no" }));
  }

  /** Writes one batch: the one that is being written, or else the open one. Tells whether there was one. */
  commit(): boolean {
    if (this.#writing === undefined) this.#begin();
    const batch = this.#writing;
    if (batch === undefined) return false;
    this.#writing = undefined;
    apply(batch, this.#written);
    this.#unsynced.push(batch);
    if (batch.disk) for (const each of this.#unsynced.splice(0)) apply(each, this.#synced);
    this.unwrittenBytes -= batch.bytes;
    this.safe = batch.number;
    for (const listener of this.#safeListeners) listener();
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((each) => each.batch > this.safe);
    for (const each of waiting) if (each.batch <= this.safe) each.settle.resolve();
    return true;
  }

  /**
   * Its process dies, or the machine's power goes: what is left for the next one. Nothing comes of it any more.
   * `torn`: the batch that was being written came through as a whole, although nobody was told.
   */
  crash(how: { readonly power?: boolean; readonly torn?: boolean } = {}): ModelImage {
    const { power = false, torn = false } = how;
    const image = (power ? this.#synced : this.#written).copy();
    if (torn && power) for (const each of this.#unsynced) apply(each, image);
    if (torn && this.#writing !== undefined) apply(this.#writing, image);
    this.#safeListeners.length = 0;
    this.#roomListeners.length = 0;
    this.#waiting.length = 0;
    this.#end(systemError("UNAVAILABLE", "The process is dead.", { executed: "maybe" }));
    return image.copy();
  }

  /** The disk fails: nothing is written any more. What `crash` gives is what is left. */
  fail(reason = "The disk fails."): void {
    const error = systemError("UNAVAILABLE", reason, { executed: "maybe" });
    this.#end(error);
    this.#fail(error);
  }

  setRoomy(roomy: boolean): void {
    if (this.roomy === roomy) return;
    this.roomy = roomy;
    for (const listener of this.#roomListeners) listener();
  }

  get #begun(): boolean {
    const { number, changes } = this.#open;
    return changes.length > 0 || this.#waiting.some(({ batch }) => batch === number);
  }

  #note(change: Change): number {
    change(this.#live);
    this.#schedule();
    return this.#failure === undefined ? this.#open.changes.push(change) - 1 : 0;
  }

  #schedule(): void {
    if (this.#deferred || this.#writing !== undefined || this.#commits === "manual") return;
    this.#deferred = true;
    this.#env.defer(() => {
      this.#deferred = false;
      if (this.#failure === undefined) this.#begin();
    });
  }

  /** The open batch is closed, and is being written. */
  #begin(): void {
    if (!this.#begun) return;
    this.#writing = this.#open;
    this.#open = { number: this.#writing.number + 1, changes: [], bytes: 0, disk: false };
    if (this.#commits === "turn") this.#step();
    else if (this.#commits !== "manual")
      this.#env.set(this.#alarm, this.#env.now() + this.#commits);
  }

  #step(): void {
    this.commit();
    this.#schedule();
  }

  #answer<T>(answer: () => T): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // As from a disk, it comes in a later turn, and sees what was noted until then.
    this.#env.yield(() => {
      if (this.#failure === undefined) resolve(answer());
      else reject(this.#failure);
    });
    return promise;
  }

  #end(error: TrunklineError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#env.clear(this.#alarm);
    for (const { settle } of this.#waiting.splice(0)) settle.reject(error);
  }
}

class CommitAlarm extends Alarm {
  readonly #commit: () => void;

  constructor(commit: () => void) {
    super();
    this.#commit = commit;
  }

  override ring(): void {
    this.#commit();
  }
}

function apply({ changes }: ModelBatch, image: ModelImage): void {
  for (const change of changes) change?.(image);
}
