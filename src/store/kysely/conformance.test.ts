import { test } from "node:test";
import Database from "better-sqlite3";
import {
  CamelCasePlugin,
  CompiledQuery,
  Kysely,
  MysqlDialect,
  PostgresDialect,
  SqliteDialect,
  type Dialect as KyselyDialect,
  type Transaction,
} from "kysely";
import { createPool } from "mysql2";
import { Pool } from "pg";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import { partsOn, subjectOf, type Opened, type Row } from "../sql/testing/subject.ts";
import type { Dialect } from "../store.ts";
import { storeCases } from "../suite.ts";
import { kysely } from "./index.ts";

const clients: readonly [
  client: string,
  dialect: Dialect,
  speaking: (address: string) => KyselyDialect,
][] = [
  ["pg", "postgres", (address) => new PostgresDialect({ pool: patientPool(address) })],
  ["mysql2", "mysql", (address) => new MysqlDialect({ pool: createPool(address) })],
  ["better-sqlite3", "sqlite", (path) => new SqliteDialect({ database: new Database(path) })],
];

for (const [client, dialect, speaking] of clients)
  await suiteOn(dialect, `Kysely, by ${client}`, (fresh) => {
    const cases = storeCases(
      subjectOf(dialect, (address) => over(speaking(address)), fresh),
      partsOn[dialect],
    );
    for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
  });

/** With a plugin that many have, which renames the columns of results. */
function over(dialect: KyselyDialect): Opened {
  const db = new Kysely<object>({ dialect, plugins: [new CamelCasePlugin()] });
  return {
    store: kysely(db),
    async execute(native, text) {
      const trx = native as Transaction<object>;
      return (await trx.withoutPlugins().executeQuery<Row>(CompiledQuery.raw(text))).rows;
    },
    own: (work) => db.transaction().execute(work),
    close: () => db.destroy(),
  };
}

function patientPool(address: string): Pool {
  const pool = new Pool({ connectionString: address });
  pool.on("error", () => {});
  return pool;
}
