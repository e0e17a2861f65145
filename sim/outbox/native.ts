import type { Transaction } from "../../src/store/transaction.ts";
import { ModelTransaction } from "./database.ts";

/** The transaction of the model that a store's transaction stands for. */
export function nativeOf(tx: Transaction): ModelTransaction {
  if (tx.native instanceof ModelTransaction) return tx.native;
  throw new TypeError("this is no transaction of the model");
}
