import { realEnv } from "../../base/real-env.ts";
import { BuilderDriver, type BuilderOptions } from "../sql/builder.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { knexBuilder, type KnexDatabase } from "./builder.ts";

/**
 * A store in the database that Knex speaks with, by pg, mysql2 or better-sqlite3: `knex(db)`. Its transactions are those of Knex, so
 * what handlers are given is a `Knex.Transaction`, and `publish` takes one that you have begun.
 */
export function knex<Trx>(db: KnexDatabase<Trx>, options: BuilderOptions = {}): Store<Trx> {
  const env = options.env ?? realEnv();
  return new SqlStore(new BuilderDriver(knexBuilder(db, options), env), env);
}
