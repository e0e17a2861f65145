import type { Pool, PoolClient } from "pg";
import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { postgresLog } from "./log/postgres-log.ts";
import type { TailingNames } from "./log/slots.ts";
import { PgDriver } from "./pg-driver.ts";

export interface PostgresOptions {
  /**
   * Statements that come again and again are prepared once for each connection. Default true; `false` behind a PgBouncer older than 1.21
   * that pools transactions.
   */
  readonly prepare?: boolean;
  /**
   * Relays of this process follow the log of the database (logical replication), which tells of every commit at once, whoever has
   * made it. `trunkline outbox tailing ADDRESS on` makes what that needs; without it, or when it is lost, they look at the table as
   * without, and say so. Default false.
   */
  readonly tailing?: boolean | TailingNames;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

/**
 * A store in PostgreSQL 13 or later, by `pg` (`npm i pg`): `postgres("postgres://user@host/database")`, or over a pool of yours,
 * `postgres(pool)`, which stays yours to close. What it begins it begins at READ COMMITTED. New messages are told by NOTIFY, on one
 * more connection for each relay.
 */
export function postgres(where: string | Pool, options: PostgresOptions = {}): Store<PoolClient> {
  const { prepare = true, env, tailing = false } = options;
  const driver = new PgDriver(where, prepare, env ?? realEnv());
  if (tailing === false) return new SqlStore(driver, env);
  const log = postgresLog({
    query: async (sql, values) => (await driver.query(sql, values)).rows,
    connect: () => driver.replicating(),
    names: tailing === true ? {} : tailing,
  });
  return new SqlStore(driver, env, log);
}
