import { DatabaseSync } from "node:sqlite";
import type { SqliteDatabase } from "kysely";

/** What Kysely's `SqliteDialect` asks of better-sqlite3, by what Node brings: nothing has to be compiled. */
export function nodeSqlite(path: string): SqliteDatabase {
  const database = new DatabaseSync(path);
  return {
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      const values = (given: readonly unknown[]) =>
        given as (string | number | Uint8Array | null)[];
      return {
        reader: statement.columns().length > 0,
        all: (given) => statement.all(...values(given)),
        run: (given) => statement.run(...values(given)),
        iterate: (given) => statement.iterate(...values(given)) as IterableIterator<unknown>,
      };
    },
  };
}
