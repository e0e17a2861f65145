import type { Pool, PoolClient } from "pg";
import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { PgDriver } from "./pg-driver.ts";

/**
 * A store in PostgreSQL 13 or later, by `pg` (`npm i pg`): `postgres("postgres://user@host/database")`, or over a pool of yours,
 * `postgres(pool)`, which stays yours to close. What it begins it begins at READ COMMITTED. New messages are told by NOTIFY, on one
 * more connection for each relay.
 */
export function postgres(
  where: string | Pool,
  options: { readonly env?: Env } = {},
): Store<PoolClient> {
  return new SqlStore(new PgDriver(where, options.env ?? realEnv()), options.env);
}
