import { watch, type FSWatcher } from "node:fs";

import { alarmAt, sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { attribute } from "../attributes.ts";
import type { Delivery, Outgoing } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import { fenced } from "../fenced.ts";
import { fileError } from "./failure.ts";
import { LogReader, type Bookmark, type Entry } from "./log-reader.ts";
import { neededFrom, type GroupPlace, type PlaceFile } from "./place-file.ts";

/** Read ahead of what is handed out, past which nothing more is read; one chunk may come on top. */
const aheadMax = 64;
/** How long after the last line was found others are looked for: twice as long each time, up to what is enough where the system tells of changes, or where not. */
const pollMs = { least: 20, told: 2_000, untold: 250 };
/** Before the place is written once more that could not be written. */
const againMs = 500;

export interface OwnedLogTerms {
  /** The folder of segments. */
  readonly log: string;
  /** `orders.1.placed[3]` */
  readonly shard: string;
  /** What is for another group alone is passed over. Undefined: for whoever consumes. */
  readonly group: string | undefined;
  readonly place: GroupPlace;
  /** Where the place is kept. Undefined: nowhere, for a consumer that has no group. */
  readonly keep: PlaceFile | undefined;
  /** The system tells of what others write. */
  readonly told: boolean;
  /** Whether this process still is who consumes. */
  readonly isOurs: () => Promise<boolean>;
  readonly env: Env;
  /** There is something to hand out, or room for it. */
  readonly ready: () => void;
  readonly deliver: (batch: readonly Delivery[]) => void;
  readonly lost: (owned: OwnedLog) => void;
}

interface Settling {
  readonly delivery: FileDelivery;
  readonly how: "ack" | "release";
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * One log while this consumer has it: what is read of it, with handlers, and done. Before anything is handed out it is written down that it may have been,
 * so that a consumer that dies has its deliveries counted; and what is settled is settled when that is written, and the log is ours still.
 */
export class OwnedLog {
  readonly shard: string;
  readonly generation: number;
  readonly #terms: OwnedLogTerms;
  readonly #reader: LogReader;
  #high: Bookmark;
  /** Handed out and not done: how often. */
  readonly #open: Map<number, number>;
  readonly #outstanding = new Set<FileDelivery>();
  readonly #ahead: Entry[] = [];
  /** Released, the first of them first. */
  readonly #again: Entry[] = [];
  #handing: FileDelivery[] = [];
  #settling: Settling[] = [];
  #moved = false;
  #committing: Promise<void> | undefined;
  #paused = false;
  #leaving = false;
  #ended = false;
  #wake: () => void = () => {};
  /** There is room for more, or none is wanted. */
  #room: () => void = () => {};
  #news = false;
  #watcher: FSWatcher | undefined;
  readonly #reading: Promise<void>;

  constructor(terms: OwnedLogTerms) {
    this.#terms = terms;
    const { place, log, shard, keep, env } = terms;
    this.shard = shard;
    this.generation = keep?.generation ?? 1;
    this.#high = place.next;
    this.#open = new Map(place.open);
    const from = neededFrom(place);
    const start = from === place.next.position ? place.next : { position: from, before: "" };
    this.#reader = new LogReader(log, start, env);
    this.#watch();
    this.#reading = this.#read();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What is with handlers, or on its way to them. */
  get unsettled(): number {
    return this.#outstanding.size;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#room();
  }

  /** Nothing more is handed out. */
  stopHanding(): void {
    this.#leaving = true;
  }

  /** Puts the next message on its way. False: there is none for now. */
  hand(): boolean {
    const entry = this.#leaving || this.#paused || this.#ended ? undefined : this.#next();
    if (entry === undefined) return false;
    const delivery = new FileDelivery(entry, (this.#open.get(entry.position) ?? 0) + 1, this);
    this.#handing.push(delivery);
    this.#outstanding.add(delivery);
    this.#commitSoon();
    return true;
  }

  settle(delivery: FileDelivery, how: "ack" | "release"): Promise<void> {
    const settling = this.#settling.some((each) => each.delivery === delivery);
    if (this.#ended || settling || !this.#outstanding.has(delivery))
      return Promise.reject(fenced(delivery.position));
    return new Promise((resolve, reject) => {
      this.#settling.push({ delivery, how, resolve, reject });
      this.#commitSoon();
    });
  }

  /** Writes down what is done, and lets go of the rest. */
  async letGo(): Promise<void> {
    this.#leaving = true;
    this.#commitSoon();
    await this.#committing;
    await this.end();
  }

  /** It is somebody else's from now on: what is not settled never will be. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#wake();
    this.#room();
    this.#watcher?.close();
    for (const { delivery, reject } of this.#settling.splice(0)) reject(fenced(delivery.position));
    this.#outstanding.clear();
    this.#ahead.length = 0;
    await this.#reading;
    await this.#committing;
    await this.#terms.keep?.close();
  }

  #next(): Entry | undefined {
    const again = this.#again.shift();
    if (again !== undefined) return again;
    for (let entry = this.#ahead.shift(); entry !== undefined; entry = this.#ahead.shift()) {
      if (this.#ahead.length < aheadMax) this.#room();
      const { position, next, line } = entry;
      const opened = this.#open.has(position);
      // Of what was read before, the done is done. A gap goes wherever it leads.
      if (line !== undefined && position < this.#high.position && !opened) continue;
      if (line === undefined || next.position > this.#high.position) this.#high = next;
      if (this.#isWanted(entry)) return entry;
      this.#open.delete(position);
      this.#moved = true;
    }
    if (this.#moved) this.#commitSoon();
    return undefined;
  }

  #isWanted({ line }: Entry): boolean {
    if (line === undefined) return true;
    const { group, env } = this.#terms;
    if (line.to !== undefined && line.to !== group) return false;
    const expiry = line.envelope.attributes[attribute.expirytime];
    return expiry === undefined || !(Date.parse(expiry) <= env.wall());
  }

  #commitSoon(): void {
    this.#committing ??= this.#commit();
  }

  /** Writes where the group is, again and again while there is something new. */
  async #commit(): Promise<void> {
    const { env, ready } = this.#terms;
    try {
      do {
        // What is settled in one turn is settled together.
        await new Promise<void>((resolve) => env.defer(resolve));
        if (this.#ended) return;
        const [handing, settling] = [this.#handing, this.#settling];
        this.#handing = [];
        this.#settling = [];
        this.#moved = false;
        try {
          if (!(await this.#written(handing, settling))) return this.#lose(settling);
        } catch (error) {
          this.#unsettle(handing, settling, error);
          if (this.#leaving) return;
          await sleep(env, againMs);
          continue;
        }
        this.#settled(settling);
        if (handing.length > 0 && !this.#ended) this.#terms.deliver(handing);
        ready();
      } while (this.#moved || this.#handing.length > 0 || this.#settling.length > 0);
    } finally {
      // In the same turn as the last look: what comes later begins anew.
      this.#committing = undefined;
    }
  }

  /** Writes what is handed out and done. False: the log is somebody else's by now, so that it may be delivered again. */
  async #written(
    handing: readonly FileDelivery[],
    settling: readonly Settling[],
  ): Promise<boolean> {
    const { keep, isOurs } = this.#terms;
    for (const { entry, attempt } of handing) this.#open.set(entry.position, attempt);
    for (const { how, delivery } of settling)
      if (how === "ack") this.#open.delete(delivery.entry.position);
    await keep?.write({ next: this.#high, open: [...this.#open] });
    return settling.length === 0 || isOurs();
  }

  #settled(settling: readonly Settling[]): void {
    for (const { delivery, how, resolve } of settling) {
      this.#outstanding.delete(delivery);
      if (how === "release") this.#putBack(delivery.entry);
      resolve();
    }
  }

  /** It could not be written: who settles may try again, and what was on its way is handed out later. */
  #unsettle(handing: readonly FileDelivery[], settling: readonly Settling[], error: unknown): void {
    for (const delivery of handing) {
      this.#open.set(delivery.entry.position, delivery.attempt - 1);
      this.#outstanding.delete(delivery);
      this.#putBack(delivery.entry);
    }
    for (const { delivery, reject } of settling) {
      this.#open.set(delivery.entry.position, delivery.attempt);
      reject(fileError(error, this.shard, "maybe"));
    }
    this.#moved = true;
  }

  #lose(settling: readonly Settling[]): void {
    for (const { delivery, reject } of settling) reject(fenced(delivery.position));
    this.#terms.lost(this);
  }

  /** At the head, before all that is later. */
  #putBack(entry: Entry): void {
    const at = this.#again.findIndex(({ position }) => position > entry.position);
    if (at < 0) this.#again.push(entry);
    else this.#again.splice(at, 0, entry);
  }

  async #read(): Promise<void> {
    const { env, ready, told } = this.#terms;
    let restMs = pollMs.least;
    while (!this.#ended) {
      if (this.#paused || this.#ahead.length >= aheadMax) {
        await new Promise<void>((resolve) => (this.#room = resolve));
        continue;
      }
      this.#news = false;
      // What cannot be read now is looked at again, like what is not there yet.
      const entries = await this.#reader.read().catch((): readonly Entry[] => []);
      if (entries.length > 0) {
        this.#ahead.push(...entries);
        restMs = pollMs.least;
        if (!this.#ended) ready();
        continue;
      }
      if (this.#news) continue;
      await this.#rest(env.now() + restMs);
      restMs = this.#news ? pollMs.least : Math.min(restMs * 2, told ? pollMs.told : pollMs.untold);
    }
  }

  /** Until something is told, or its time has come. */
  async #rest(dueMs: number): Promise<void> {
    if (this.#ended) return;
    let alarm: Alarm | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      alarm = alarmAt(this.#terms.env, dueMs, resolve);
    });
    this.#terms.env.clear(alarm!);
  }

  /** Where the system tells of changes; where it does not, as on file systems of a network, they are looked for. */
  #watch(): void {
    try {
      this.#watcher = watch(this.#terms.log, () => {
        this.#news = true;
        this.#wake();
      });
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }
}

class FileDelivery implements Delivery {
  readonly entry: Entry;
  readonly attempt: number;
  readonly #owned: OwnedLog;

  constructor(entry: Entry, attempt: number, owned: OwnedLog) {
    this.entry = entry;
    this.attempt = attempt;
    this.#owned = owned;
  }

  get envelope(): Envelope {
    return this.entry.line?.envelope ?? unreadable(this.entry, this.shard, this.position);
  }

  get malformed(): string | undefined {
    return this.entry.malformed;
  }

  get redelivered(): boolean {
    return this.attempt > 1;
  }

  get shard(): string {
    return this.#owned.shard;
  }

  get generation(): number {
    return this.#owned.generation;
  }

  get position(): string {
    return `${this.shard}@${this.entry.position}`;
  }

  async ack(outputs: readonly Outgoing[] = []): Promise<void> {
    if (outputs.length > 0) throw this.#cannot("with what comes of it in one");
    await this.#owned.settle(this, "ack");
  }

  async release(notBefore?: number): Promise<void> {
    if (notBefore !== undefined) throw this.#cannot("later than at once");
    await this.#owned.settle(this, "release");
  }

  #cannot(how: string): Error {
    return systemError("UNIMPLEMENTED", `a message of a shared file cannot be settled ${how}`, {
      executed: "no",
      endpoint: this.shard,
    });
  }
}

/** Its id is its place, the same each time that it is handed out. */
function unreadable({ data }: Entry, type: string, id: string): Envelope {
  const contentType = "application/octet-stream";
  return { id, type, source: type, subject: undefined, time: 0, contentType, attributes: {}, data };
}
