import { realEnv } from "../../base/real-env.ts";
import { BuilderDriver, type BuilderOptions } from "../sql/builder.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { kyselyBuilder, type KyselyDatabase } from "./builder.ts";

/**
 * A store in the database that Kysely speaks with, PostgreSQL, MySQL or SQLite: `kysely(db)`. Its transactions are those of Kysely, so
 * what handlers are given is a `Transaction<Database>`, and `publish` takes one that you have begun.
 */
export function kysely<Trx>(db: KyselyDatabase<Trx>, options: BuilderOptions = {}): Store<Trx> {
  const env = options.env ?? realEnv();
  return new SqlStore(new BuilderDriver(kyselyBuilder(db, options), env), env);
}
