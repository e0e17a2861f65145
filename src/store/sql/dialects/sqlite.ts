import type { SqlDialect } from "../dialect.ts";
import { numbersOf, raw, sql, type Sql } from "../statement.ts";

function among(column: string, numbers: readonly number[]): Sql {
  return sql`${raw(column)} IN (SELECT value FROM json_each(${`[${numbersOf(numbers)}]`}))`;
}

function numbered(table: string, seqs: readonly number[]): Sql {
  return sql`${raw(table)} WHERE ${among("seq", seqs)}`;
}

const now = raw("CAST(round(unixepoch('subsec') * 1000) AS INTEGER)");

/** SQLite from 3.42. One transaction at a time writes, so nothing has to be locked. */
export const sqliteDialect: SqlDialect = {
  dialect: "sqlite",
  // SQLITE_MAX_LENGTH, less what else is in the row.
  bytesMax: 900_000_000,
  placeholder: () => "?",
  now,
  forUpdate: raw(""),
  returning: true,
  lockLanes: () => undefined,
  among,
  firstOf: (lanes, where, order, limit) =>
    sql`SELECT o.seq, row_number() OVER (PARTITION BY o.lane ORDER BY o.${raw(order)}) AS place
      FROM json_each(${`[${numbersOf(lanes)}]`}) AS lanes CROSS JOIN trunkline_outbox o ON o.seq IN
        (SELECT seq FROM trunkline_outbox WHERE lane = lanes.value AND ${where} ORDER BY ${raw(order)} LIMIT ${raw(numbersOf([limit]))})`,
  joinInOrder: raw("CROSS JOIN"),
  numbered,
  deleteNumbered: (table, seqs) => sql`DELETE FROM ${numbered(table, seqs)}`,
  insertNew: (row) => sql`INSERT INTO ${row} ON CONFLICT DO NOTHING`,
  insertKey: (key, input) =>
    sql`INSERT INTO trunkline_key (id, input, changed_at) VALUES (${key}, ${input}, ${now}) ON CONFLICT DO NOTHING`,
  onConflict: (key) => raw(`ON CONFLICT (${key}) DO UPDATE SET`),
  deleteSome: (table, _, where, limit) =>
    sql`DELETE FROM ${raw(table)} WHERE rowid IN (SELECT rowid FROM ${raw(table)} WHERE ${where} LIMIT ${raw(numbersOf([limit]))})`,
  migrating: {},
};
