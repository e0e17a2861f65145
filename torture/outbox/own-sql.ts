import type { DatabaseSync } from "node:sqlite";
import type { PoolConnection } from "mysql2/promise";
import type { ClientBase } from "pg";
import type { Dialect } from "../../src/store/store.ts";

export type Value = string | number | null;
export type Row = Readonly<Record<string, unknown>>;

/** What a transaction of the user's own client takes: statements with `?` for each value. */
export async function ask(
  dialect: Dialect,
  native: unknown,
  sql: string,
  values: readonly Value[] = [],
): Promise<readonly Row[]> {
  if (dialect === "sqlite") return (native as DatabaseSync).prepare(sql).all(...values);
  if (dialect === "postgres") {
    let count = 0;
    const text = sql.replaceAll("?", () => `$${++count}`);
    return (await (native as ClientBase).query<Row>(text, [...values])).rows;
  }
  const [rows] = await (native as PoolConnection).query(sql, [...values]);
  return Array.isArray(rows) ? (rows as Row[]) : [];
}

const serial: Readonly<Record<Dialect, string>> = {
  sqlite: "integer primary key autoincrement",
  postgres: "bigserial primary key",
  mysql: "bigint auto_increment primary key",
};

/**
 * The tables of the users: what was published, what came of it, and a counter for each key, which whoever publishes takes under its own lock.
 * So its order is that of the commits.
 */
export function ownTables(dialect: Dialect, keys: readonly string[]): readonly string[] {
  return [
    "create table torture_count (k varchar(40) primary key, n integer not null)",
    "create table torture_sent (id varchar(80) primary key, k varchar(40), n integer, follow integer not null)",
    `create table torture_effect (seq ${serial[dialect]}, kind varchar(20) not null, id varchar(80) not null)`,
    `insert into torture_count (k, n) values ${keys.map((key) => `('${key}', 0)`).join(", ")}`,
  ];
}

/** The next number of a key, whose row is locked until the transaction ends. */
export async function nextOf(dialect: Dialect, native: unknown, key: string): Promise<number> {
  await ask(dialect, native, "update torture_count set n = n + 1 where k = ?", [key]);
  const [row] = await ask(dialect, native, "select n from torture_count where k = ?", [key]);
  return Number(row?.["n"]);
}
