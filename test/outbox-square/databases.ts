import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Connection } from "mysql2/promise";
import type { PoolClient } from "pg";
import type { Store } from "trunkline/store";
import { mysql } from "trunkline/store/mysql";
import { postgres } from "trunkline/store/postgres";
import { sqlite } from "trunkline/store/sqlite";
import { missing } from "../../scripts/servers/for-tests.ts";
import { mariadb, ownMariadb } from "../../scripts/servers/mariadb.ts";
import { ownPostgres, postgres as postgresServer } from "../../scripts/servers/postgres.ts";

/** Databases of one kind. */
export interface Databases extends AsyncDisposable {
  /** A store on a database of its own. */
  fresh(): Promise<Store>;
  /** Runs SQL of a user by what his client calls a transaction. */
  run(native: unknown, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** How a column is declared that counts by itself. */
  readonly counting: string;
}

/** Each kind: why it is skipped, and how it is begun. */
export const databases: Readonly<
  Record<string, { readonly missing: string | undefined; readonly begin: () => Promise<Databases> }>
> = {
  sqlite: {
    missing: undefined,
    begin() {
      const folder = mkdtempSync(join(tmpdir(), "trunkline-square-"));
      let made = 0;
      return Promise.resolve({
        fresh: () => Promise.resolve(sqlite(join(folder, `${++made}.db`)) as Store),
        run: (native, sql) => Promise.resolve((native as DatabaseSync).prepare(sql).all()),
        counting: "integer PRIMARY KEY",
        [Symbol.asyncDispose]() {
          rmSync(folder, { recursive: true, force: true });
          return Promise.resolve();
        },
      });
    },
  },
  postgres: {
    missing: missing(postgresServer),
    async begin() {
      const own = await ownPostgres({ fsync: false });
      return {
        fresh: async () => postgres(await own.fresh()),
        run: async (native, sql) =>
          (await (native as PoolClient).query<Record<string, unknown>>(sql)).rows,
        counting: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
      };
    },
  },
  mariadb: {
    missing: missing(mariadb),
    async begin() {
      const own = await ownMariadb({ fsync: false });
      return {
        fresh: async () => mysql(await own.fresh()),
        run: async (native, sql) => {
          const [rows] = await (native as Connection).query(sql);
          return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
        },
        counting: "bigint AUTO_INCREMENT PRIMARY KEY",
        [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
      };
    },
  },
};
