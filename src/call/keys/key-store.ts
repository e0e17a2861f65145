import type { Store } from "../../store/store.ts";
import type { Transaction } from "../../store/transaction.ts";

/** How work that was done under a key has ended, as plain data. */
export type Ending =
  /** It has answered so: text, or bytes; an operation without output answers nothing. */
  | { readonly kind: "answer"; readonly output: string | Uint8Array | undefined }
  /** It has failed to its end: as its contract declares, or as nobody expected. */
  | { readonly kind: "error"; readonly error: KeptError }
  /** It has answered, with so many bytes that they are not kept. */
  | { readonly kind: "large"; readonly bytes: number }
  /** It was cut short: how far it came nobody knows. */
  | { readonly kind: "unknown" };

/** A failure that says `executed: "yes"`. */
export interface KeptError {
  readonly code: string;
  readonly reason: string;
  readonly declared: boolean;
  /** Of a declared error, as JSON. */
  readonly data?: string | undefined;
  readonly id?: string | undefined;
}

/** What a store answers to whoever wants to begin work under a key. */
export type Claim =
  /** Nobody has begun: it is yours, until `keep` or `forget`. */
  | { readonly state: "new" }
  /** Another process is at it, or was when it died. */
  | { readonly state: "running"; readonly input: string }
  | { readonly state: "ended"; readonly input: string; readonly ending: Ending }
  /** Another transaction has it: whoever is at it will keep how it ended, or leave nothing. */
  | { readonly state: "busy" }
  /** There is no room for one more key that is in use. */
  | { readonly state: "full" };

/**
 * Remembers which keys there were, and what came of the work under them, so that a request that comes again does nothing
 * twice. Keys are texts of at most 64 characters. A process claims a key once at a time; it sees to those that come meanwhile itself.
 */
export interface KeyStore {
  /** Names a store that several processes share; undefined where it is gone with this process. Known when it is open. */
  readonly name?: string | undefined;
  /** Before the first claim. */
  open?(): Promise<void>;
  /** After the last one. */
  close?(): Promise<void>;
  /** `input` tells one input from another: a digest. */
  claim(key: string, input: string): Claim | Promise<Claim>;
  /** The work has ended. */
  keep(key: string, ending: Ending): void | Promise<void>;
  /** The work never ran: who comes next begins it. */
  forget(key: string): void | Promise<void>;
}

/** A key store in a database: there a key is claimed, its effects are made, and its ending is kept in one transaction. */
export interface TransactionalKeyStore extends KeyStore {
  readonly store: Store;
  /** As a part of `tx`. Never waits for another transaction: that is `busy`. */
  claimIn(tx: Transaction, key: string, input: string): Promise<Claim>;
  keepIn(tx: Transaction, key: string, ending: Ending): Promise<void>;
}

/** True for keys that are kept in the transactions of a database. */
export function isTransactional(keys: KeyStore): keys is TransactionalKeyStore {
  return "claimIn" in keys;
}
