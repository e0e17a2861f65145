import type { DatabaseSync } from "node:sqlite";
import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import {
  betterSqlite3,
  isBetterSqlite3,
  nodeSqlite,
  type BetterSqlite3,
  type SqliteClient,
  type SqliteConnection,
} from "./client.ts";
import { SqliteDriver } from "./sqlite-driver.ts";

export interface SqliteOptions {
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

/**
 * A store in a file of SQLite, by `node:sqlite`: `sqlite("./data.db")`. It has connections of its own, in WAL and with
 * `synchronous = FULL`: what is committed is on the disk. Transactions that write come one after the other, whoever has begun them,
 * so a handler should not wait for others within one.
 *
 * Given a `DatabaseSync`, or a database of better-sqlite3, the store speaks by that client, and transactions that are begun on what was
 * given, by BEGIN, can be published in too; its file is opened once more for the rest.
 */
export function sqlite<Database extends BetterSqlite3>(
  where: Database,
  options?: SqliteOptions,
): Store<Database>;
export function sqlite(where: string | DatabaseSync, options?: SqliteOptions): Store<DatabaseSync>;
export function sqlite(
  where: string | DatabaseSync | BetterSqlite3,
  options: SqliteOptions = {},
): Store<never> {
  const over = <Connection extends SqliteConnection>(
    client: SqliteClient<Connection>,
  ): Store<Connection> =>
    new SqlStore(new SqliteDriver(client, options.env ?? realEnv()), options.env);
  return (
    typeof where === "object" && isBetterSqlite3(where)
      ? over(betterSqlite3(where))
      : over(nodeSqlite(where))
  ) as Store<never>;
}
