import type { TrunklineError } from "../../base/error.ts";
import type { Message } from "./message.ts";

/**
 * How far a change has come: `memory`: no further than this process; `os`: the operating system has it, and it outlives the
 * process; `disk`: it is synced, and outlives the machine's power.
 */
export type Level = "memory" | "os" | "disk";

/** Plain data, as definitions are kept. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** The greatest number of a lane; the least is 1. */
export const laneMax: number = 2 ** 20 - 1;

/** A message in a lane. A lane is a sequence of its own: a queue has one, or one for each shard or priority; a log has one, and one for what is held back. */
export interface Row {
  readonly lane: number;
  /** Its place in the lane: rises by one with each message, is never used again. At most 2^43. */
  readonly seq: number;
  readonly message: Message;
  /** Deliveries that came to nothing. */
  readonly attempts: number;
  /** When it came, in milliseconds since 1970. */
  readonly enqueuedAt: number;
  /** When something is to be done with it, in milliseconds since 1970: it is held back until then, or expires then. */
  readonly dueAt: number | undefined;
  /** It is held back until `dueAt`. */
  readonly held: boolean;
  /** It does not outlive the process: written only because memory is short. */
  readonly transient: boolean;
}

/** What of a row can change. */
export interface Revision {
  readonly attempts: number;
  readonly dueAt: number | undefined;
  readonly held: boolean;
}

/** A lane as it was found. */
export interface FoundLane {
  readonly lane: number;
  /** What its next message will be. */
  readonly next: number;
  /** Messages, held ones included, and their bytes (`bytesOf`). */
  readonly count: number;
  readonly held: number;
  readonly bytes: number;
  /** The first that is there; `next` when there is none. */
  readonly first: number;
  /** All below this were delivered at least once. */
  readonly delivered: number;
}

export interface Definition {
  /** `exchange`, `queue`, `binding`, `user`, `virtual-host`, … */
  readonly kind: string;
  readonly name: string;
  readonly value: Json;
}

/** What was there when a storage was opened. What was transient is gone already. */
export interface Found {
  readonly definitions: readonly Definition[];
  readonly lanes: readonly FoundLane[];
  /** What was remembered, the oldest first. */
  readonly remembered: readonly Remembered[];
}

/** Marks of messages that were published, kept for a while so that the same one is known again. */
export interface Remembered {
  /** In milliseconds since 1970. */
  readonly at: number;
  /** Pairs of 32-bit halves of 64-bit marks. */
  readonly marks: Uint32Array;
}

/** A row whose time has come, or will. */
export interface Due {
  readonly dueAt: number;
  readonly lane: number;
  readonly seq: number;
}

/**
 * Where a broker keeps what must outlive it. Changes are noted at once, in order, in the open batch, and written one batch after
 * the other, each as a whole or not at all: what was noted in one turn without waiting is in one batch. While one batch is
 * written the next one fills. After a crash there is all of the first batches, and nothing of the others.
 */
export interface Storage {
  readonly found: Found;
  /** The number of the open batch: what is noted now is in it. */
  readonly batch: number;
  /** The last batch that is as safe as it asked to be. Changes noted before it are too. */
  readonly safe: number;
  /** Bytes that were noted and are not written yet. */
  readonly unwrittenBytes: number;
  /** There is room to go on publishing. While there is none, messages are refused a place, and only what makes room is noted. */
  readonly roomy: boolean;

  /** Notes a message. What is given back is its place in the open batch, for `remove`. */
  insert(row: Row): number;
  /**
   * Notes that a message is gone. `batch` and `place` are those of its `insert`: when it is still in the open batch, neither of
   * the two is written. `batch` 0: it was written long ago.
   */
  remove(lane: number, seq: number, bytes: number, batch: number, place: number): void;
  revise(lane: number, seq: number, revision: Revision): void;
  /** Notes that all messages of a lane below `seq` were delivered at least once. No reason to sync. */
  delivered(lane: number, seq: number): void;
  /** Notes that the messages of a lane below `seq` are gone. */
  trim(lane: number, seq: number): void;
  /** Notes that the messages of a lane from `seq` on are gone, those that are held back too only when `held`; its numbers go on. */
  purge(lane: number, seq: number, held: boolean): void;
  /** Notes that a lane is gone, with all that is in it. */
  drop(lane: number): void;
  /** Of the messages of one key in a lane only the newest stays: to be said before its first message. */
  compact(lane: number): void;
  define(definition: Definition): void;
  undefine(kind: string, name: string): void;
  /** Notes marks (two halves each), and that those from before `forgetBefore` (milliseconds since 1970) need no more be known. */
  remember(at: number, marks: readonly number[], forgetBefore: number): void;
  /** The open batch must reach that level before it is safe. Default of a batch: `os`. */
  require(level: Level): void;
  /** Calls back whenever `safe` has risen. */
  onSafe(listener: () => void): void;
  /** Calls back whenever `roomy` has changed. */
  onRoom(listener: () => void): void;
  /** Resolves when the batch is safe. @throws TrunklineError when it never will be. */
  until(batch: number): Promise<void>;

  /** Reads messages that are not held back, from `seq` on, oldest first, at most `limit`, and about `bytesMax`. Sees all that was noted. */
  read(lane: number, seq: number, limit: number, bytesMax: number): Promise<readonly Row[]>;
  /** The same with those that are held back. */
  readAll(lane: number, seq: number, limit: number, bytesMax: number): Promise<readonly Row[]>;
  /** The first place of a lane whose message came at that instant (milliseconds since 1970) or later. */
  seek(lane: number, enqueuedAt: number): Promise<number>;
  /** What a lane has now: of a compact one nobody else can say. Undefined: there is nothing, and never was. */
  look(lane: number): Promise<FoundLane | undefined>;
  /** The soonest rows with a `dueAt`, after (dueAt, lane, seq), at most `limit`. */
  due(after: Due | undefined, limit: number): Promise<readonly Due[]>;

  /** Resolves with the reason when it has failed: nothing is safe from then on, and a fresh open finds what was safe before. */
  readonly failed: Promise<TrunklineError>;
  /** Writes what was noted, and leaves. */
  close(): Promise<void>;
}
