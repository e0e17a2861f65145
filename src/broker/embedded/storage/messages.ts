import type { Due, Found, FoundLane } from "../storage.ts";
import type { PackedRows } from "./reader.ts";

/** How a storage is kept. All bounds are in bytes. */
export interface Tuning {
  /**
   * The write-ahead log is copied into the file when it is longer. Shorter: shorter pauses, and a shorter start after a crash;
   * longer: a page that changes often is copied less often. Default 16 MiB.
   */
  readonly walBytesMax: number;
  /**
   * Pages that are kept in memory: the ends of lanes, where all work is. It bounds the memory of the thread. Default 64 MiB, enough for some
   * thousands of busy lanes; the rest is read by way of the operating system's cache.
   */
  readonly cacheBytesMax: number;
}

/** What the thread is started with. */
export interface ThreadData extends Tuning {
  readonly path: string;
}

/** A batch on its way to be written. */
export interface BatchMessage {
  readonly kind: "batch";
  readonly batch: number;
  readonly level: "os" | "disk";
  readonly numbers: ArrayBuffer;
  readonly used: number;
  readonly bytes: ArrayBuffer;
  /** Bytes of the messages in it. */
  readonly size: number;
  readonly marks:
    | { at: number; forgetBefore: number; halves: Uint32Array<ArrayBuffer> }
    | undefined;
}

/** A question. It sees what was written before. */
export interface AskMessage {
  readonly kind: "ask";
  readonly id: number;
  readonly question: Question;
}

export type Question =
  | readonly ["read", number, number, number, number, boolean]
  | readonly ["seek", number, number]
  | readonly ["look", number]
  | readonly ["due", Due | undefined, number]
  | readonly ["figures"]
  | readonly ["upkeep", quiet: boolean, scarce: boolean]
  | readonly ["close"];

/** What is left to do, and what there is room for. */
export interface Upkeep {
  readonly more: boolean;
  readonly freeBytes: number;
}

/** What the thread has done since it was started. */
export interface ThreadFigures {
  /** Of batches, and of checkpoints in idle moments; those that a full log asks for are two more for each `walBytesMax` written. */
  readonly syncs: number;
  readonly checkpoints: number;
  /** Undefined where the operating system does not count them. */
  readonly bytesWritten: number | undefined;
}

/** A TrunklineError on its way between threads. */
export interface Failure {
  readonly code: "INVALID_ARGUMENT" | "UNAVAILABLE" | "UNIMPLEMENTED" | "DATA_LOSS" | "INTERNAL";
  readonly reason: string;
  readonly advice: string | undefined;
}

/** The file is open. */
export interface Opened {
  readonly kind: "open";
  readonly found: Found;
  /** Lanes that are compact. */
  readonly compact: readonly number[];
  readonly freeBytes: number;
}

/** What the thread says. */
export type ThreadMessage =
  | Opened
  | {
      readonly kind: "done";
      readonly batch: number;
      readonly numbers: ArrayBuffer;
      readonly bytes: ArrayBuffer;
      /** Known again now and then. */
      readonly freeBytes: number | undefined;
    }
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer }
  | { readonly kind: "failed"; readonly failure: Failure };

export type Answer =
  | PackedRows
  | FoundLane
  | number
  | readonly unknown[]
  | Upkeep
  | ThreadFigures
  | undefined;
