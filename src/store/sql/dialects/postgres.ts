import type { RowName } from "../../outbox-rows.ts";
import { outboxColumns, type OutboxValues, type SqlDialect } from "../dialect.ts";
import { tidyText } from "./postgres-tidy.ts";
import { fixed, join, numbersOf, raw, sql, type Sql } from "../statement.ts";
import { numbersBehind, raiseNumbers } from "./postgres-numbers.ts";

/** The first half of the keys of our advisory locks; the second is a lane, or `migrating`. "trun" in ASCII. */
const lockClass = 0x7472756e;
/** The first half for keys of calls; the second is a hash of the key. "trup" in ASCII. */
const keyClass = 0x74727570;
/** Beside the lanes, which are from 0. */
const migrating = -1;

/** Clients differ in how they write arrays; all of them write text. */
function arrayOf(numbers: readonly number[]): Sql {
  return sql`CAST(CAST(${`{${numbersOf(numbers)}}`} AS text) AS bigint[])`;
}

/** As text: Prisma knows no `void`. */
function locksOf(lanes: readonly number[]): Sql {
  return sql`SELECT CAST(pg_advisory_xact_lock(${raw(String(lockClass))}, CAST(lane AS int)) AS text) FROM unnest(${arrayOf(lanes)}) AS lanes (lane)`;
}

function rowOf({ id, lane, key, channel, head, data, notBefore }: OutboxValues): Sql {
  return sql`(CAST(${id} AS text), CAST(${lane} AS smallint), CAST(${key} AS text), CAST(${channel} AS text), CAST(${head} AS text), CAST(${data} AS bytea), CAST(${notBefore} AS bigint))`;
}

function among(column: string, numbers: readonly number[]): Sql {
  return sql`${raw(column)} = ANY (${arrayOf(numbers)})`;
}

/** An element of an array as its text. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

function textsOf(texts: readonly string[]): Sql {
  return sql`CAST(CAST(${`{${texts.map(quoted).join(",")}}`} AS text) AS text[])`;
}

function numbered(table: string, seqs: readonly number[]): Sql {
  return sql`${raw(table)} WHERE ${among("seq", seqs)}`;
}

/** As a join, for a list is looked through for each row that is looked at, where it has not been analysed how few those are. */
function deleteNamed(rows: readonly RowName[]): Sql {
  const seqs = arrayOf(rows.map(({ seq }) => seq));
  const ids = textsOf(rows.map(({ id }) => id));
  return sql`DELETE FROM trunkline_outbox o USING unnest(${seqs}, ${ids}) AS these (seq, id) WHERE o.seq = these.seq AND o.id = these.id`;
}

const now = raw("CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)");

function appendAll(lanes: readonly number[], rows: readonly OutboxValues[]): Sql {
  return sql`WITH locks AS MATERIALIZED (${locksOf(lanes)})
    INSERT INTO trunkline_outbox (${outboxColumns})
    SELECT added.*, ${now} FROM (SELECT count(*) FROM locks) AS locked, (VALUES ${join(rows.map(rowOf), ", ")}) AS added`;
}

const none = "";
const oneRow = sql`INSERT INTO trunkline_outbox (${outboxColumns}) SELECT ${none}, ${none}, ${none}, ${none}, ${none}, ${none}, ${none}, ${now}`;
const one = fixed(oneRow);
/** OFFSET keeps the lock apart, so that it is taken before the row draws its number. */
const oneLocked = fixed(
  sql`${oneRow} FROM (SELECT pg_advisory_xact_lock(${raw(String(lockClass))}, ${none}) OFFSET 0) AS locked`,
);

/** Most transactions write one: what costs them least is a statement that is always the same, which the server keeps planned. */
function appendOne(row: OutboxValues, locked: boolean): Sql {
  const { id, lane, key, channel, head, data, notBefore } = row;
  const values = [id, lane, key, channel, head, data, notBefore];
  return locked ? oneLocked([...values, lane]) : one(values);
}

/** PostgreSQL. Its transactions are at READ COMMITTED, or whatever the user's own are at. */
export const postgresDialect: SqlDialect = {
  dialect: "postgres",
  // Bytes come as hexadecimal text, and V8's strings end at 512 MiB.
  bytesMax: 255 * 1024 * 1024,
  placeholder: (index) => `$${index}`,
  now,
  forUpdate: raw("FOR UPDATE"),
  returning: true,
  // A function's rows come in the order of its array, and the lock of each is waited for before the next.
  lockLanes: locksOf,
  // The locks are counted before the first row is made, and each row draws its number when it is made.
  append: (lanes, rows) =>
    rows.length === 1 ? appendOne(rows[0]!, lanes.length > 0) : appendAll(lanes, rows),
  among,
  amongTexts: (column, texts) => sql`${raw(column)} = ANY (${textsOf(texts)})`,
  firstOf: (lanes, where, order, limit) =>
    sql`SELECT firsts.seq, firsts.place FROM unnest(${arrayOf(lanes)}) AS lanes (lane) CROSS JOIN LATERAL
      (SELECT seq, row_number() OVER (ORDER BY ${raw(order)}) AS place FROM trunkline_outbox o
        WHERE o.lane = lanes.lane AND ${where} ORDER BY ${raw(order)} LIMIT ${raw(numbersOf([limit]))}) AS firsts`,
  joinInOrder: raw("JOIN"),
  numbered,
  deleteNumbered: (table, seqs) => sql`DELETE FROM ${numbered(table, seqs)}`,
  deleteNamed,
  insertNew: (row) => sql`INSERT INTO ${row} ON CONFLICT DO NOTHING`,
  // Who has the lock may wait for the row of nobody. Keys that share a hash exclude each other for a moment.
  insertKey: (key, input) =>
    sql`INSERT INTO trunkline_key (id, input, changed_at) SELECT CAST(${key} AS text), CAST(${input} AS text), ${now}
      WHERE pg_try_advisory_xact_lock(${raw(String(keyClass))}, hashtext(CAST(${key} AS text))) ON CONFLICT DO NOTHING`,
  onConflict: (key) => raw(`ON CONFLICT (${key}) DO UPDATE SET`),
  deleteSome: (table, _, where, limit) =>
    sql`DELETE FROM ${raw(table)} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${raw(table)} WHERE ${where} LIMIT ${raw(numbersOf([limit]))}))`,
  numbers: { behind: raw(numbersBehind), raise: raw(raiseNumbers) },
  tidy: raw(tidyText(lockClass)),
  migrating: {
    take: raw(`SELECT CAST(pg_advisory_xact_lock(${lockClass}, ${migrating}) AS text)`),
  },
};
