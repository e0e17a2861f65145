import type { DatabaseSync } from "node:sqlite";
import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { SqliteDriver } from "./sqlite-driver.ts";

/**
 * A store in a file of SQLite, by `node:sqlite`: `sqlite("./data.db")`. It has connections of its own, in WAL and with
 * `synchronous = FULL`: what is committed is on the disk. Transactions that write come one after the other, whoever has begun them,
 * so a handler should not wait for others within one.
 *
 * Given a `DatabaseSync`, the transactions that are begun on it can be published in too; its file is opened once more for the rest.
 */
export function sqlite(
  where: string | DatabaseSync,
  options: { readonly env?: Env } = {},
): Store<DatabaseSync> {
  return new SqlStore(new SqliteDriver(where, options.env ?? realEnv()), options.env);
}
