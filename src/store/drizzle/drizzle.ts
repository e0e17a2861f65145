import { realEnv } from "../../base/real-env.ts";
import { BuilderDriver, type BuilderOptions } from "../sql/builder.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { drizzleBuilder, type DrizzleDatabase } from "./builder.ts";

/**
 * A store in the database that Drizzle speaks with, by pg, postgres.js, mysql2 or better-sqlite3: `drizzle(db)`. Its transactions are
 * those of Drizzle, so what handlers are given is its `tx`, and `publish` takes one that you have begun.
 *
 * With better-sqlite3 the store needs a `db` of its own, to the same file: it has one connection, and what others do on it
 * while a transaction of the store is open would become a part of that.
 */
export function drizzle<Tx>(db: DrizzleDatabase<Tx>, options: BuilderOptions = {}): Store<Tx> {
  const env = options.env ?? realEnv();
  return new SqlStore(new BuilderDriver(drizzleBuilder(db, options, env), env), env);
}
