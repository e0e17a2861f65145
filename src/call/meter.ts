import { Histogram, type LatencySummary } from "../base/histogram.ts";
import type { Kind, OperationName } from "../base/handler.ts";

/** What became of one operation on one side, since the process or the client began. */
export interface OperationStats {
  /** `orders.place` */
  readonly operation: string;
  /** Of the contract, whole: `1.4.0`. */
  readonly version: string;
  readonly kind: Kind;
  /** Requests that have ended, refused ones among them. */
  readonly count: number;
  /** How many of them failed, by code; declared errors are among them. */
  readonly failures: Readonly<Record<string, number>>;
  /** Requests that have begun and not ended. */
  readonly inFlight: number;
  /** Those of them that wait for their turn, behind earlier ones of the same key. */
  readonly waiting: number;
  /** From request to end, failures included, refusals not; a stream's is as long as the stream. */
  readonly latency: LatencySummary;
  /** Where the database is in whose transactions its handler runs; undefined: it runs in none, or is a command, see `consumers`. */
  readonly transactional?: string | undefined;
}

/** Codes counted one by one; a declared code more is a bug elsewhere, and must not grow this without end. */
const codesMax = 100;

/** Counts the requests of one operation on one side. The usual end, which is `OK`, costs an addition and a bucket. */
export class Meter {
  /** Who begins a request adds one here, and calls `ended` once. */
  begun = 0;
  #ended = 0;
  #refused = 0;
  readonly #latency = new Histogram();
  #failures: Map<string, number> | undefined;

  /** `code` is `OK` or why it failed. */
  ended(code: string, durationMs: number): void {
    this.#ended++;
    this.#latency.record(durationMs);
    if (code !== "OK") this.#failed(code);
  }

  /** A request that never began: it took no time. */
  refused(code: string): void {
    this.#refused++;
    this.#failed(code);
  }

  stats({ name, version, kind }: OperationName, waiting: number = 0): OperationStats {
    return {
      operation: name,
      version,
      kind,
      count: this.#ended + this.#refused,
      failures: Object.fromEntries(this.#failures ?? []),
      inFlight: this.begun - this.#ended,
      waiting,
      latency: this.#latency.summary(),
    };
  }

  #failed(code: string): void {
    const failures = (this.#failures ??= new Map());
    const known = failures.has(code) || failures.size < codesMax ? code : "UNKNOWN";
    failures.set(known, (failures.get(known) ?? 0) + 1);
  }
}
