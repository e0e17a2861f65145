import { outboxColumns, type SqlDialect } from "../dialect.ts";
import { join, numbersOf, raw, sql, type Sql } from "../statement.ts";

/** More lanes than these are not looked into at once: each is a SELECT of its own, of which the server makes a plan. */
const lanesMax = 64;

/**
 * Whole numbers as rows of `given`, in their order. Both servers have JSON for that; a function cannot be locked, so there is a SELECT
 * around it.
 */
function given(numbers: readonly number[]): Sql {
  return sql`(SELECT n FROM JSON_TABLE(${`[${numbersOf(numbers)}]`}, '$[*]' COLUMNS (n bigint PATH '$')) AS listed) AS given`;
}

/** Without the order of the join, and the index, a small table would be read from its beginning, past what others have locked. */
function numbered(table: string, seqs: readonly number[]): Sql {
  return sql`${given(seqs)} STRAIGHT_JOIN ${raw(table)} FORCE INDEX (PRIMARY) ON ${raw(table)}.seq = given.n WHERE TRUE`;
}

// Not by UNIX_TIMESTAMP: that goes by the time zone of the session, in which an hour comes twice in a year.
const now = raw("(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)");

/** One lane is looked up: a list, for which a table is made, takes three times as long. */
function lockLanes(lanes: readonly number[]): Sql {
  const [lane, more] = lanes;
  if (lane !== undefined && more === undefined)
    return sql`SELECT lane FROM trunkline_outbox_lane WHERE lane = ${lane} FOR UPDATE`;
  return sql`SELECT l.lane FROM ${given(lanes)} STRAIGHT_JOIN trunkline_outbox_lane AS l FORCE INDEX (PRIMARY) ON l.lane = given.n FOR UPDATE`;
}

/** MySQL from 8.0.11 and MariaDB from 10.6, in transactions at READ COMMITTED. */
export const mysqlDialect: SqlDialect = {
  dialect: "mysql",
  // Bytes come as hexadecimal text, and MariaDB takes 16 MiB in one packet by default (`max_allowed_packet`), MySQL 64.
  bytesMax: 7 * 1024 * 1024,
  placeholder: () => "?",
  now,
  forUpdate: raw("FOR UPDATE"),
  returning: false,
  lockLanes,
  lanesAreRows: true,
  // The number of a row is drawn when it is written, after the row of its lane was locked.
  append(lanes, rows) {
    const [lane, more] = lanes;
    const [row, another] = rows;
    if (lane === undefined || row === undefined || more !== undefined || another !== undefined)
      return undefined;
    const { id, key, channel, head, data, notBefore } = row;
    return sql`INSERT INTO trunkline_outbox (${outboxColumns})
      SELECT ${id}, l.lane, ${key}, ${channel}, ${head}, ${data}, ${notBefore}, ${now}
      FROM trunkline_outbox_lane AS l WHERE l.lane = ${lane} FOR UPDATE`;
  },
  // The first row of each lane is one look into the index, by whose whole order MySQL has to be asked; DISTINCT would read all of it.
  occupied: (lanes) =>
    sql`SELECT lane FROM (SELECT given.n AS lane, (SELECT o.seq FROM trunkline_outbox AS o FORCE INDEX (trunkline_outbox_lane)
        WHERE o.lane = given.n ORDER BY o.lane, o.not_before LIMIT 1) AS first FROM ${given(lanes)}) AS firsts
      WHERE first IS NOT NULL ORDER BY first LIMIT ${raw(String(lanesMax))}`,
  joinInOrder: raw("STRAIGHT_JOIN"),
  numbered,
  deleteNumbered: (table, seqs) => sql`DELETE ${raw(table)} FROM ${numbered(table, seqs)}`,
  among: (column, numbers) =>
    raw(numbers.length === 0 ? "1 = 0" : `${column} IN (${numbersOf(numbers)})`),
  firstOf: (lanes, where, order, limit) =>
    sql`SELECT seq, row_number() OVER (PARTITION BY lane ORDER BY ${raw(order)}) AS place FROM (${join(
      lanes.map(
        (lane) =>
          sql`(SELECT seq, lane, not_before FROM trunkline_outbox FORCE INDEX (trunkline_outbox_lane)
            WHERE lane = ${raw(numbersOf([lane]))} AND ${where} ORDER BY ${raw(order)} LIMIT ${raw(numbersOf([limit]))})`,
      ),
      " UNION ALL ",
    )}) AS firsts`,
  insertNew: (row) => sql`INSERT IGNORE INTO ${row}`,
  insertKey: (key, input) =>
    sql`INSERT IGNORE INTO trunkline_key (id, input, changed_at) VALUES (${key}, ${input}, ${now})`,
  // A row that another transaction has inserted, and not committed, is locked by that.
  freeKey: (key) => sql`SELECT id FROM trunkline_key WHERE id = ${key} FOR UPDATE NOWAIT`,
  onConflict: () => raw("ON DUPLICATE KEY UPDATE"),
  // Rows that others have locked are not what is looked for, but would be waited for on the way: it is found without locks, and then
  // taken by its key, if it is still so.
  deleteSome(table, key, where, limit) {
    const columns = key.map((column, index) => raw(`${column} AS key_${index}`));
    const same = key.map((column, index) => raw(`${table}.${column} = some.key_${index}`));
    return sql`DELETE ${raw(table)} FROM (SELECT ${join(columns, ", ")} FROM ${raw(table)} WHERE ${where} LIMIT ${raw(numbersOf([limit]))} FOR UPDATE SKIP LOCKED) AS some
      STRAIGHT_JOIN ${raw(table)} FORCE INDEX (PRIMARY) ON ${join(same, " AND ")} WHERE ${where}`;
  },
  // A statement that makes a table commits: a lock that is not a transaction's.
  migrating: {
    take: raw("SELECT GET_LOCK(CONCAT('trunkline ', LEFT(DATABASE(), 50)), 3600)"),
    give: raw("SELECT RELEASE_LOCK(CONCAT('trunkline ', LEFT(DATABASE(), 50)))"),
  },
};
