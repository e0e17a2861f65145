import type { Pool as CallbackPool } from "mysql2";
import { createPool, type Connection, type Pool } from "mysql2/promise";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import type { Env } from "../../base/env.ts";
import { mysqlAddress } from "./address.ts";
import { Mysql2Driver } from "./mysql2-driver.ts";

/** Connections of a pool that the store has made. Whoever needs others makes the pool. */
const connectionsMax = 10;
/** So many may wait for one of them. */
const waitingMax = 10_000;

/**
 * A store in MySQL 8.0.11 or later, or MariaDB 10.6 or later, by `mysql2` (`npm i mysql2`): `mysql("mysql://user@host/database")`, or
 * over a pool of yours, `mysql(pool)`, which stays yours to close. What it begins it begins at READ COMMITTED,
 * for which the server's binlog, if it has one, must be by rows, as it is by default.
 *
 * @throws TrunklineError INVALID_ARGUMENT for an address that is none.
 */
export function mysql(
  where: string | Pool | CallbackPool,
  options: { readonly env?: Env } = {},
): Store<Connection> {
  if (typeof where === "string") {
    const pool = createPool({
      uri: mysqlAddress(where),
      connectionLimit: connectionsMax,
      queueLimit: waitingMax,
    });
    return new SqlStore(new Mysql2Driver(pool, true), options.env);
  }
  const pool = "promise" in where ? where.promise() : where;
  return new SqlStore(new Mysql2Driver(pool, false), options.env);
}
