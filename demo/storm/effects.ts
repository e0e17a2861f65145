import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "mysql2/promise";
import type { PoolClient } from "pg";
import type { Store } from "trunkline/store";
import { mysql } from "trunkline/store/mysql";
import { postgres } from "trunkline/store/postgres";
import { sqlite } from "trunkline/store/sqlite";
import { hostClockUs, type Execution } from "./journal.ts";

interface Row {
  readonly id: string;
  readonly replica: string;
  readonly at: string;
}

/** Runs a statement with `?` for each value in a transaction of its client. */
type Run = (tx: never, sql: string, values: readonly string[]) => Promise<readonly Row[]>;

/** Who has a transaction open and says nothing for so long, because it is frozen, loses it, in milliseconds; where the database can be told so. */
const idleMs = 500;
/** How long a handler takes, where others need not wait for that. */
const workMs = 20;

const table =
  "create table effect (id varchar(40) not null, replica varchar(20) not null, at varchar(20) not null)";
const insert = "insert into effect (id, replica, at) values (?, ?, ?)";
const select = "select id, replica, at from effect";

/** What handlers have written in the transactions of their keys: the only thing of theirs that anybody sees. */
export class Effects implements AsyncDisposable {
  readonly store: Store;
  readonly #run: Run;

  private constructor(store: Store, run: Run) {
    this.store = store;
    this.#run = run;
  }

  /** Those in the database at an address: `sqlite:PATH`, `postgres://…`, `mysql://…`. */
  static at(address: string): Effects {
    if (address.startsWith("sqlite:"))
      return new Effects(sqlite(address.slice("sqlite:".length)), async (tx, sql, values) =>
        (tx as DatabaseSync)
          .prepare(sql)
          .all(...values)
          .map((row) => row as unknown as Row),
      );
    if (address.startsWith("mysql:"))
      return new Effects(mysql(address), async (tx, sql, values) => {
        const [rows] = await (tx as Connection).query(sql, [...values]);
        return Array.isArray(rows) ? (rows as Row[]) : [];
      });
    const patient = new URL(address);
    patient.searchParams.set("options", `-c idle_in_transaction_session_timeout=${idleMs}`);
    return new Effects(postgres(patient.href), async (tx, sql, values) => {
      let count = 0;
      const text = sql.replaceAll("?", () => `$${++count}`);
      return (await (tx as PoolClient).query<Row>(text, [...values])).rows;
    });
  }

  async begin(): Promise<void> {
    await this.store.migrate();
    await this.#in((tx) => this.#run(tx, table, []));
  }

  /** A handler's work, in its transaction. Resolves with the id. */
  async write(tx: unknown, id: string, replica: number): Promise<string> {
    await this.#run(tx as never, insert, [id, `replica-${replica}`, String(hostClockUs())]);
    // Where one transaction at a time writes all others would wait for it.
    if (this.store.capabilities.concurrent) await sleep(workMs);
    return id;
  }

  /** All that were committed, by the id of their call. */
  async read(): Promise<Map<string, Execution[]>> {
    const all = new Map<string, Execution[]>();
    for (const { id, replica, at } of await this.#in((tx) => this.#run(tx, select, []))) {
      const those = all.get(id) ?? [];
      those.push({ replica, atUs: Number(at) });
      all.set(id, those);
    }
    return all;
  }

  #in<T>(work: (tx: never) => Promise<T>): Promise<T> {
    return this.store.transaction(({ native }) => work(native as never));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.store.close();
  }
}
