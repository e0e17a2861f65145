import type { Pool, PoolClient } from "pg";
import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { postgresLog } from "./log/postgres-log.ts";
import type { TailingNames } from "./log/slots.ts";
import { PgDriver } from "./pg-driver.ts";
import { PostgresJsDriver, type PostgresJs } from "./postgres-js-driver.ts";

export interface PostgresOptions {
  /**
   * Statements that come again and again are prepared once for each connection. Default true; `false` behind a PgBouncer older than 1.21
   * that pools transactions. Only by `pg`: postgres.js prepares as it was told.
   */
  readonly prepare?: boolean;
  /**
   * Relays of this process follow the log of the database (logical replication), which tells of every commit at once, whoever has
   * made it. `trunkline outbox tailing ADDRESS on` makes what that needs; without it, or when it is lost, they look at the table as
   * without, and say so. Only by `pg`. Default false.
   */
  readonly tailing?: boolean | TailingNames;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

/**
 * A store in PostgreSQL 13 or later. `postgres("postgres://user@host/database")`, and `postgres(pool)` over a pool of yours, speak by
 * `pg` (`npm i pg`); `postgres(sql)` by postgres.js, over yours. What you have opened stays yours to close. Transactions that it
 * begins are at READ COMMITTED. New messages are told by NOTIFY, on one more connection for each relay.
 */
export function postgres<Tx>(
  sql: PostgresJs<Tx>,
  options?: Pick<PostgresOptions, "env">,
): Store<Tx>;
export function postgres(where: string | Pool, options?: PostgresOptions): Store<PoolClient>;
export function postgres<Tx>(
  where: string | Pool | PostgresJs<Tx>,
  { env = realEnv(), prepare = true, tailing = false }: PostgresOptions = {},
): Store<PoolClient> | Store<Tx> {
  if (typeof where !== "string" && "begin" in where)
    return new SqlStore(new PostgresJsDriver(where), env);
  const driver = new PgDriver(where, prepare, env);
  if (tailing === false) return new SqlStore(driver, env);
  const log = postgresLog({
    query: async (sql, values) => (await driver.query(sql, values)).rows,
    connect: () => driver.replicating(),
    names: tailing === true ? {} : tailing,
  });
  return new SqlStore(driver, env, log);
}
