import type { SqlDialect } from "../dialect.ts";
import { join, numbersOf, raw, sql } from "../statement.ts";

/** MySQL from 8.0.1 and MariaDB from 10.6, in transactions at READ COMMITTED. */
export const mysqlDialect: SqlDialect = {
  dialect: "mysql",
  bytesMax: 15 * 1024 * 1024,
  placeholder: () => "?",
  now: raw("CAST(floor(unix_timestamp(sysdate(3)) * 1000) AS SIGNED)"),
  forUpdate: raw("FOR UPDATE"),
  returning: false,
  lockLanes: (lanes) =>
    sql`SELECT lane FROM trunkline_outbox_lane WHERE lane IN (${raw(numbersOf(lanes))}) ORDER BY lane FOR UPDATE`,
  among: (column, numbers) =>
    raw(numbers.length === 0 ? "1 = 0" : `${column} IN (${numbersOf(numbers)})`),
  firstOf: (lanes, where, order, limit) =>
    join(
      lanes.map(
        (lane) =>
          sql`SELECT seq, row_number() OVER (ORDER BY ${raw(order)}) AS place FROM
            (SELECT seq, not_before FROM trunkline_outbox WHERE lane = ${raw(numbersOf([lane]))} AND ${where}
              ORDER BY ${raw(order)} LIMIT ${raw(numbersOf([limit]))}) AS firsts`,
      ),
      " UNION ALL ",
    ),
  insertNew: (row) => sql`INSERT IGNORE INTO ${row}`,
  onConflict: () => raw("ON DUPLICATE KEY UPDATE"),
  deleteSome: (table, where, limit) =>
    sql`DELETE FROM ${raw(table)} WHERE ${where} LIMIT ${raw(numbersOf([limit]))}`,
  migrating: {
    take: raw("SELECT GET_LOCK('trunkline_migration', 60)"),
    give: raw("SELECT RELEASE_LOCK('trunkline_migration')"),
  },
};
