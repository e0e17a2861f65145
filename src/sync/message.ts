import type { MessagePort } from "node:worker_threads";

import type { Executed } from "../base/outcome.ts";

/*
 * What goes between the thread that waits and the one that works. Values are bytes or text, as the operation's codec writes them; schemas
 * stay where they are.
 */

/** An operation without its schemas. */
export interface PlainOperation {
  readonly contract: string;
  readonly version: string;
  readonly member: string;
  readonly kind: "call" | "notification" | "stream";
  readonly idempotent: boolean | "by-key";
  /** Whether input and output are bytes, not JSON. */
  readonly bytesIn: boolean;
  readonly bytesOut: boolean;
  readonly errors: readonly string[];
}

export interface Ask {
  /** Answers of an earlier call that was given up may still come. */
  readonly id: number;
  readonly address: string;
  readonly operation: PlainOperation;
  readonly input: string | Uint8Array;
  readonly deadlineMs: number;
  readonly itemBytesMax: number;
  readonly itemsMax: number;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly idempotencyKey: string | undefined;
}

export type Answer =
  | { readonly id: number; readonly values: readonly (string | Uint8Array)[] }
  | { readonly id: number; readonly failure: PlainFailure };

/** A TrunklineError, to be made again on the other side. */
export interface PlainFailure {
  readonly code: string;
  readonly reason: string;
  readonly executed: Executed;
  readonly declared: boolean;
  readonly data: unknown;
  readonly operation: string | undefined;
  readonly endpoint: string | undefined;
  readonly attempts: number;
  readonly elapsedMs: number | undefined;
  readonly advice: string | undefined;
  readonly id: string | undefined;
  readonly retryAfterMs: number | "never" | undefined;
  readonly gate: string | undefined;
  readonly cause: string | undefined;
}

/** What a worker is started with. */
export interface Line {
  /** Counts the answers that were sent: the waiting thread sleeps on it. */
  readonly answered: Int32Array;
  readonly port: MessagePort;
}
