import type { Env } from "../../base/env.ts";
import type { Store } from "../../store/store.ts";
import type { Member } from "../compile.ts";
import { ClaimedWork } from "./claimed-work.ts";
import { isTransactional, type KeyStore, type TransactionalKeyStore } from "./key-store.ts";
import { TransactionalWork } from "./transactional-work.ts";
import type { Doing } from "./work.ts";

/** What is remembered of calls and notifications that are idempotent by key. */
export interface KeysOptions {
  /** Of those of services without a store. Absent: nothing. */
  readonly keys?: KeyStore | undefined;
  /** Of those of services with one. Absent: nothing. */
  readonly keysIn?: ((store: Store) => TransactionalKeyStore) | undefined;
  /** What the terms of the service name. */
  readonly store?: Store | undefined;
}

/** How the work of an operation is done under keys; undefined: it has none, or nothing is remembered of them. */
export function doingOf(
  { operation, streaming }: Member,
  { keys, keysIn, store }: KeysOptions,
  env: Env,
): Doing | undefined {
  if (operation.idempotent !== "by-key" || streaming) return undefined;
  const kept = store === undefined ? keys : keysIn?.(store);
  if (kept === undefined) return undefined;
  // Who only notifies is not told what came of it, and its handler is given no transaction.
  return store !== undefined && isTransactional(kept) && operation.kind === "call"
    ? new TransactionalWork(kept, operation, env)
    : new ClaimedWork(kept, operation, env);
}
