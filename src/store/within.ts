import type { Store } from "./store.ts";
import type { Transaction } from "./transaction.ts";

/** The transaction that a handler runs in. */
export interface Within {
  readonly store: Store;
  readonly transaction: Transaction;
}
