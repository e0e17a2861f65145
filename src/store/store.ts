import type { InboxRows } from "./inbox-rows.ts";
import type { Finding } from "./finding.ts";
import type { KeyRows } from "./key-rows.ts";
import type { StoreLog } from "./log.ts";
import type { Migration } from "./migration.ts";
import type { OutboxRows } from "./outbox-rows.ts";
import type { Transaction } from "./transaction.ts";

/** Whose SQL it is. MariaDB counts as `mysql`. */
export type Dialect = "postgres" | "mysql" | "sqlite";

/** What differs between databases that can all keep an outbox. Its suite tests each promise. */
export interface StoreCapabilities {
  /** Transactions that write run side by side; false: one after the other, as in SQLite. */
  readonly concurrent: boolean;
  /** `hint()` reaches other processes. Without it they find what is new by looking. */
  readonly hints: boolean;
  /** What is committed can be followed in the log of the database. */
  readonly tailing: boolean;
  /** The largest value of bytes that one row takes. */
  readonly bytesMax: number;
}

/**
 * A database in which outbox, inbox and remembered keys are tables beside the user's own, and are written in the user's own
 * transactions. `Native` is what the user's client calls a transaction.
 */
export interface Store<Native = unknown> extends AsyncDisposable {
  /** The client that it is spoken with: `pg`, `mysql2`, `drizzle`. */
  readonly name: string;
  readonly dialect: Dialect;
  /** Where it is, without credentials. */
  readonly address: string;
  readonly capabilities: StoreCapabilities;
  readonly outbox: OutboxRows;
  readonly inbox: InboxRows;
  readonly keys: KeyRows;
  /**
   * Runs `work` in a transaction: committed when it resolves, rolled back when it rejects, with that error. Must not be begun
   * inside another one of the same store where transactions are not `concurrent`.
   *
   * @throws TrunklineError UNAVAILABLE: `executed: "no"` when nothing was committed (no connection; with `gate: "conflict"` a deadlock, a
   * serialization failure, a lock that was waited for too long: it may be run again), `maybe` when the connection was lost while it
   * was being committed.
   */
  transaction<T>(work: (tx: Transaction<Native>) => Promise<T>): Promise<T>;
  /**
   * The caller's own transaction: one that this store has begun, when it is that, or one begun by the user's client, which then
   * commits it as well.
   *
   * @throws TrunklineError INVALID_ARGUMENT for what is no transaction of this client.
   */
  adopt(native: Native): Transaction<Native>;
  /** The migrations that this version knows, and when each was run here. */
  migrations(): Promise<readonly Migration[]>;
  /** Runs those that are missing, in their order; resolves with what it ran. May be run twice, and by several processes at once. */
  migrate(): Promise<readonly Migration[]>;
  /** Tells those who `listen`, in other processes too, that something may be there. Best effort, never waited for, never in a transaction. */
  hint(): void;
  /** Hears hints; what is lost with a connection is not told again: who listens has to look by himself as well. */
  listen(heard: () => void): Promise<Listening>;
  /** Where it was asked for when the store was made: its log, which tells of commits at once. */
  readonly log?: StoreLog | undefined;
  /** Looks at what commonly goes wrong with databases that have an outbox; each with what to do about it. For people. */
  examine?(): Promise<readonly Finding[]>;
  /** Waits for nothing that runs. What the user has opened stays open. */
  close(): Promise<void>;
}

export interface Listening {
  close(): Promise<void>;
}
