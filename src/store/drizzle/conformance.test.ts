import { test } from "node:test";
import Database from "better-sqlite3";
import { sql } from "drizzle-orm";
import { drizzle as ofBetterSqlite3 } from "drizzle-orm/better-sqlite3";
import { drizzle as ofMysql2 } from "drizzle-orm/mysql2";
import { drizzle as ofPg } from "drizzle-orm/node-postgres";
import { drizzle as ofPostgresJs } from "drizzle-orm/postgres-js";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import postgresJs from "postgres";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import { givesRows } from "../sql/answers.ts";
import { partsOn, subjectOf, type Opened, type Row } from "../sql/testing/subject.ts";
import type { Dialect } from "../store.ts";
import { storeCases } from "../suite.ts";
import { drizzle } from "./index.ts";

const clients: readonly [client: string, dialect: Dialect, open: (address: string) => Opened][] = [
  ["pg", "postgres", overPg],
  ["postgres.js", "postgres", overPostgresJs],
  ["mysql2", "mysql", overMysql2],
  ["better-sqlite3", "sqlite", overBetterSqlite3],
];

for (const [client, dialect, open] of clients)
  await suiteOn(dialect, `Drizzle, by ${client}`, (fresh) => {
    const cases = storeCases(subjectOf(dialect, open, fresh), partsOn[dialect]);
    for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
  });

function overPg(address: string): Opened {
  const pool = new Pool({ connectionString: address });
  pool.on("error", () => {});
  const db = ofPg(pool);
  return {
    store: drizzle(db),
    execute: async (native, text) => (await (native as typeof db).execute<Row>(sql.raw(text))).rows,
    own: (work) => db.transaction(work),
    close: () => pool.end(),
  };
}

function overPostgresJs(address: string): Opened {
  const client = postgresJs(address, { onnotice() {} });
  const db = ofPostgresJs(client);
  return {
    store: drizzle(db),
    execute: async (native, text) => (native as typeof db).execute<Row>(sql.raw(text)),
    own: (work) => db.transaction(work),
    close: () => client.end(),
  };
}

function overMysql2(address: string): Opened {
  const pool = createPool(address);
  const db = ofMysql2(pool);
  return {
    store: drizzle(db),
    async execute(native, text) {
      const [rows] = await (native as typeof db).execute(sql.raw(text));
      return Array.isArray(rows) ? (rows as Row[]) : [];
    },
    own: (work) => db.transaction(work),
    close: () => pool.end(),
  };
}

/** Its own transactions cannot be published in: see `drizzle.test.ts`. */
function overBetterSqlite3(path: string): Opened {
  const client = new Database(path);
  client.pragma("journal_mode = WAL");
  const db = ofBetterSqlite3(client);
  return {
    store: drizzle(db),
    execute(native, text) {
      const tx = native as typeof db;
      if (givesRows(text)) return Promise.resolve(tx.all<Row>(sql.raw(text)));
      tx.run(sql.raw(text));
      return Promise.resolve([]);
    },
    close: () => client.close(),
  };
}
