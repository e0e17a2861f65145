import type { Transaction } from "./transaction.ts";

/** What is known of an idempotency key. */
export interface KnownKey {
  /** A digest of the input it was first used with. */
  readonly input: string;
  /** How its work has ended, as text; undefined: it has not. */
  readonly ending: string | undefined;
  /** Bytes that belong to the ending. */
  readonly bytes: Uint8Array | undefined;
  /** Its work has not ended, and the process that began it is not heard of any more. */
  readonly orphaned: boolean;
}

/** The table of remembered idempotency keys of calls, shared by the replicas of a service. */
export interface KeyRows {
  /** A process says that it lives for `leaseMs` more: what it has begun is not orphaned. */
  alive(owner: string, leaseMs: number): Promise<void>;
  /** Begins work under a key: resolves with undefined when it is new, else with what is known. In a transaction of its own. */
  claim(key: string, input: string, owner: string): Promise<KnownKey | undefined>;
  /**
   * The same as a part of `tx`, whose rollback takes the key away. Resolves with `busy`, and waits for nobody, while another
   * transaction has the key: that takes as long as a handler, and who waits in the database has one of its connections meanwhile.
   */
  claimIn(tx: Transaction, key: string, input: string): Promise<KnownKey | "busy" | undefined>;
  /** The work has ended. Without `tx` in a transaction of its own. */
  keep(key: string, ending: string, bytes: Uint8Array | undefined, tx?: Transaction): Promise<void>;
  /** It never ran. */
  forget(key: string): Promise<void>;
  /** Takes out keys whose work ended, or was begun by somebody who is gone, more than `olderThanMs` ago; at most `limit`. */
  purge(olderThanMs: number, limit: number): Promise<number>;
}
