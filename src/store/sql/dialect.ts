import type { RowName } from "../outbox-rows.ts";
import type { Dialect } from "../store.ts";
import { raw, type Sql } from "./statement.ts";

/** What is written into the columns of `outboxColumns`, in their order. */
export interface OutboxValues {
  readonly id: string;
  readonly lane: number;
  readonly key: string | null;
  readonly channel: string;
  readonly head: string;
  readonly data: Uint8Array;
  /** 0: at once. */
  readonly notBefore: number;
}

/** The columns that a new row says something for. */
export const outboxColumns: Sql = raw(
  "id, lane, msg_key, channel, head, data, not_before, written_at",
);

/**
 * What the statements of outbox, inbox and keys leave open: what is written otherwise from database to database. All statements
 * stand in `outbox-rows.ts`, `lease-rows.ts`, `dead-rows.ts`, `inbox-rows.ts` and `key-rows.ts`, once.
 */
export interface SqlDialect {
  readonly dialect: Dialect;
  /** The largest value of bytes that a row takes. */
  readonly bytesMax: number;
  /** The place of the value with this number, from 1. */
  readonly placeholder: (index: number) => string;
  /** Milliseconds since 1970 by the clock of the database, at this moment and not when the transaction began. */
  readonly now: Sql;
  /** What makes a SELECT lock its rows until the transaction ends; nothing where there is one writer at a time. */
  readonly forUpdate: Sql;
  /** INSERT and UPDATE may end in RETURNING. */
  readonly returning: boolean;
  /** Waits for the lanes, in this order, and has them until the transaction ends (OB-3). Undefined: nobody else writes anyway. */
  lockLanes(lanes: readonly number[]): Sql | undefined;
  /** Lanes are rows of a table, which somebody may have taken out. */
  readonly lanesAreRows?: true;
  /** Both in one statement: waits for the lanes, if any, and then writes rows, at least one. Absent: two statements are as good. */
  append?(lanes: readonly number[], rows: readonly OutboxValues[]): Sql | undefined;
  /** Which of these lanes have rows at all, as `lane`. Present where it costs to look into many: then they are asked for first. */
  occupied?(lanes: readonly number[]): Sql;
  /** Joins so that the left side is gone through, and the right side looked into, where a database has to be told. */
  readonly joinInOrder: Sql;
  /**
   * What stands behind FROM for the rows of a table of messages with these numbers, up to and with a condition. They are found by their
   * number and in no other way: a row that is looked at may be locked, and then is waited for as long as somebody's transaction is open.
   */
  numbered(table: string, seqs: readonly number[]): Sql;
  /** Begins a DELETE of such rows; more conditions may follow. */
  deleteNumbered(table: string, seqs: readonly number[]): Sql;
  /** Whether `column` is one of these whole numbers. */
  among(column: string, numbers: readonly number[]): Sql;
  /**
   * `DELETE … WHERE` of rows of the outbox by number and id, up to a further condition. Absent: by two lists. Where a list is looked
   * through for each row, as PostgreSQL does with texts, it costs the product of both.
   */
  deleteNamed?(rows: readonly RowName[]): Sql;
  /** Whether it is one of these texts, as one value, however many they are. Absent: a value each is as good. */
  amongTexts?(column: string, texts: readonly string[]): Sql;
  /**
   * `seq` and its place, from 1, of the first rows of the outbox in each of these lanes, as many as `limit` of each, that are `where`, by
   * `order`.
   */
  firstOf(lanes: readonly number[], where: Sql, order: "seq" | "not_before", limit: number): Sql;
  /** Inserts, unless the key is there; then it changes no row. `row`: `table (columns) VALUES (…)`. Waits for others with that key. */
  insertNew(row: Sql): Sql;
  /** The same for a key of a call, which nobody owns: it changes no row either, and does not wait, while another transaction has the key. */
  insertKey(key: string, input: string): Sql;
  /** Stands before that where it would wait all the same: fails with a conflict when another transaction has the key. */
  freeKey?(key: string): Sql;
  /** Follows an INSERT; behind it stand assignments for when the key is there. */
  onConflict(key: string): Sql;
  /** Deletes as many as `limit` of the rows that are `where`, of a table with this primary key. */
  deleteSome(table: string, key: readonly string[], where: Sql, limit: number): Sql;
  /** Where rows can be copied here without what draws their numbers: whether that is `behind` the rows, and what raises it above them. */
  readonly numbers?: { readonly behind: Sql; readonly raise: Sql };
  /** Gives back the room of rows that are gone. Absent: the database does that well by itself. */
  readonly tidy?: Sql;
  /** Lets one process at a time migrate: the first statement of the transaction, and the last when it has to be given back. */
  readonly migrating: { readonly take?: Sql; readonly give?: Sql };
}
