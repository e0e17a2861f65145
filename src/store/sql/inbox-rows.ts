import type { Attempts, InboxKey, InboxRows, Processed, Succession } from "../inbox-rows.ts";
import type { Transaction } from "../transaction.ts";
import type { SqlAccess } from "./access.ts";
import { bytesOrUndefined, numberOf } from "./columns.ts";
import type { SqlRow } from "./driver.ts";
import { raw, sql, type Sql } from "./statement.ts";

/** The tables that are purged by age, the other part of their key, and their column for it. */
const aged = [
  ["trunkline_inbox", "message", raw("processed_at")],
  ["trunkline_inbox_attempt", "message", raw("changed_at")],
  ["trunkline_inbox_order", "msg_key", raw("changed_at")],
] as const;

export class SqlInboxRows implements InboxRows {
  readonly #access: SqlAccess;

  constructor(access: SqlAccess) {
    this.#access = access;
  }

  async mark(tx: Transaction, { consumer, message }: InboxKey): Promise<Processed | undefined> {
    const { dialect } = this.#access;
    const { changes } = await this.#access.run(
      tx,
      dialect.insertNew(
        sql`trunkline_inbox (consumer, message, processed_at) VALUES (${consumer}, ${message}, ${dialect.now})`,
      ),
    );
    if (changes > 0) return undefined;
    const { rows } = await this.#access.run(tx, this.#known({ consumer, message }));
    return processedOf(rows[0]);
  }

  async answer(tx: Transaction, { consumer, message }: InboxKey, reply: Uint8Array): Promise<void> {
    await this.#access.run(
      tx,
      sql`UPDATE trunkline_inbox SET reply = ${reply} WHERE consumer = ${consumer} AND message = ${message}`,
    );
  }

  async find(key: InboxKey): Promise<Processed | undefined> {
    const [row] = await this.#access.rows(this.#known(key));
    return row === undefined ? undefined : processedOf(row);
  }

  #known({ consumer, message }: InboxKey): Sql {
    return sql`SELECT processed_at, reply FROM trunkline_inbox WHERE consumer = ${consumer} AND message = ${message}`;
  }

  async started({ consumer, message }: InboxKey): Promise<Attempts> {
    const access = this.#access;
    const { dialect } = access;
    const count = sql`INSERT INTO trunkline_inbox_attempt (consumer, message, started, finished, changed_at)
      VALUES (${consumer}, ${message}, 1, 0, ${dialect.now})
      ${dialect.onConflict("consumer, message")} started = trunkline_inbox_attempt.started + 1, changed_at = ${dialect.now}`;
    if (dialect.returning)
      return attemptsOf((await access.rows(sql`${count} RETURNING started, finished`))[0]);
    return access.own(async (native) => {
      await access.runNative(native, count);
      const { rows } = await access.runNative(
        native,
        sql`SELECT started, finished FROM trunkline_inbox_attempt WHERE consumer = ${consumer} AND message = ${message}`,
      );
      return attemptsOf(rows[0]);
    });
  }

  async finished({ consumer, message }: InboxKey, forget: boolean): Promise<void> {
    const these = sql`WHERE consumer = ${consumer} AND message = ${message}`;
    await this.#access.query(
      forget
        ? sql`DELETE FROM trunkline_inbox_attempt ${these}`
        : sql`UPDATE trunkline_inbox_attempt SET finished = finished + 1, changed_at = ${this.#access.dialect.now} ${these}`,
    );
  }

  async follow(
    tx: Transaction,
    consumer: string,
    key: string,
    sequence: number,
  ): Promise<Succession> {
    const access = this.#access;
    const { dialect } = access;
    const { changes } = await access.run(
      tx,
      dialect.insertNew(
        sql`trunkline_inbox_order (consumer, msg_key, last, changed_at) VALUES (${consumer}, ${key}, ${sequence}, ${dialect.now})`,
      ),
    );
    if (changes > 0) return "next";
    const these = sql`WHERE consumer = ${consumer} AND msg_key = ${key}`;
    const { rows } = await access.run(
      tx,
      sql`SELECT last FROM trunkline_inbox_order ${these} ${dialect.forUpdate}`,
    );
    const last = numberOf(rows[0]!["last"]);
    if (sequence <= last) return "earlier";
    await access.run(
      tx,
      sql`UPDATE trunkline_inbox_order SET last = ${sequence}, changed_at = ${dialect.now} ${these}`,
    );
    return sequence === last + 1 ? "next" : "gap";
  }

  async purge(olderThanMs: number, limit: number): Promise<number> {
    const { dialect } = this.#access;
    let purged = 0;
    for (const [table, key, column] of aged) {
      if (purged >= limit) break;
      const old = sql`${column} < ${dialect.now} - ${Math.floor(olderThanMs)}`;
      const { changes } = await this.#access.query(
        dialect.deleteSome(table, ["consumer", key], old, limit - purged),
      );
      purged += changes;
    }
    return purged;
  }

  async status(): Promise<readonly { consumer: string; marks: number; oldestMs: number }[]> {
    const rows = await this.#access.rows(
      sql`SELECT consumer, COUNT(*) AS marks, ${this.#access.dialect.now} - MIN(processed_at) AS ms FROM trunkline_inbox GROUP BY consumer ORDER BY consumer`,
    );
    return rows.map((row) => ({
      consumer: row["consumer"] as string,
      marks: numberOf(row["marks"]),
      oldestMs: Math.max(0, numberOf(row["ms"])),
    }));
  }
}

/** One that is not there any more was purged between two statements: it was processed all the same. */
function processedOf(row: SqlRow | undefined): Processed {
  return {
    processedAt: row === undefined ? 0 : numberOf(row["processed_at"]),
    reply: bytesOrUndefined(row?.["reply"]),
  };
}

function attemptsOf(row: SqlRow | undefined): Attempts {
  return { started: numberOf(row?.["started"] ?? 1), finished: numberOf(row?.["finished"] ?? 0) };
}
