import type { Dialect, Listening } from "../store.ts";

/** What statements take and give. Numbers are whole ones up to 2^53; what a client gives as text or bigint its driver makes a number of. */
export type SqlValue = string | number | bigint | Uint8Array | null;

export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlResult {
  readonly rows: readonly SqlRow[];
  /** Rows that were inserted, changed or deleted. */
  readonly changes: number;
}

/**
 * What a failure of the database means. `conflict`: a deadlock, a serialization failure, or a lock that was waited for too long: nothing
 * was committed, and it may be run again. `lost`: the connection, or the server. `denied`: this user may not. `missing`: a table is not there.
 */
export type SqlFailure = "conflict" | "lost" | "denied" | "missing" | "other";

/**
 * Speaks with a database by one client library, and knows nothing of tables. `Native` is what that library calls an open transaction.
 * A driver is thin: everything else is above.
 */
export interface SqlDriver<Native> {
  /** The client: `pg`, `mysql2`, `drizzle`. */
  readonly name: string;
  readonly dialect: Dialect;
  /** Without credentials. */
  readonly address: string;
  /** Begins a transaction, commits it when `work` resolves, rolls it back when it rejects; rejects with the client's own errors. */
  transaction<T>(work: (native: Native) => Promise<T>): Promise<T>;
  /** Whether this is an open transaction of the client, as far as can be seen. */
  owns(native: unknown): native is Native;
  /** Runs one statement in a transaction. Parameters are `$1`, `$2` … for PostgreSQL, `?` for the others. */
  run(native: Native, sql: string, values: readonly SqlValue[]): Promise<SqlResult>;
  /**
   * Runs one statement in a transaction, and commits it when that went well, without waiting in between: `transaction` then commits
   * nothing more. Nobody may use the transaction afterwards. Only where the client can.
   */
  commitWith?(native: Native, sql: string, values: readonly SqlValue[]): Promise<SqlResult>;
  /** Runs one statement by itself. */
  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult>;
  failureOf(error: unknown): SqlFailure;
  /** Only where the database can: tells whoever listens on the channel, once for each call. */
  notify?(channel: string): Promise<void>;
  listen?(channel: string, heard: () => void): Promise<Listening>;
  /** What the driver itself has opened. */
  close(): Promise<void>;
}
