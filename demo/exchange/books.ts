import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Connection } from "mysql2/promise";
import type { PoolClient } from "pg";
import type { Store } from "trunkline/store";
import { mysql } from "trunkline/store/mysql";
import { postgres } from "trunkline/store/postgres";
import { sqlite } from "trunkline/store/sqlite";
import type { Movement } from "./traffic.ts";

/** What the totals of one airport came to. */
export interface Total {
  readonly what: string;
  readonly airport: string;
  readonly movements: number;
  readonly delay: number;
}

/** One movement that was applied, or one milestone that was told; `at` rises in the order of an airport's commits. */
export interface Entry {
  readonly at: number;
  readonly what: string;
  readonly airport: string;
  /** The flight; of a milestone the movements. */
  readonly number: number;
}

type Row = Readonly<Record<string, unknown>>;

/** Totals of airports in a database, and every movement that they are made of. `Tx` is a transaction of its client. */
export class Books<Tx = unknown> {
  readonly store: Store<Tx>;
  readonly #run: (tx: Tx, sql: string, values: readonly (string | number)[]) => Promise<Row[]>;

  constructor(store: Store<Tx>, run: Books<Tx>["run"]) {
    this.store = store;
    this.#run = run;
  }

  /** Runs a statement whose parameters are `?`. */
  get run(): (tx: Tx, sql: string, values: readonly (string | number)[]) => Promise<Row[]> {
    return this.#run;
  }

  /** Makes the tables: ours, and those of Trunkline beside them. */
  async open(): Promise<void> {
    await this.store.migrate();
    const { dialect } = this.store;
    const at = {
      sqlite: "integer primary key autoincrement",
      postgres: "bigserial primary key",
      mysql: "bigint auto_increment primary key",
    }[dialect];
    await this.store.transaction(async ({ native }) => {
      for (const table of ["movement", "milestone"])
        await this.#run(
          native,
          `create table ${table} (at ${at}, what varchar(10), airport varchar(3), number integer)`,
          [],
        );
      await this.#run(
        native,
        "create table total (what varchar(10), airport varchar(3), movements integer, delay integer, primary key (what, airport))",
        [],
      );
    });
  }

  /** Enters a movement, adds it to the total of its airport, and gives how many there are by now. */
  async apply(tx: Tx, what: string, { airport, flight, delayMinutes }: Movement): Promise<number> {
    await this.#run(tx, "insert into movement (what, airport, number) values (?, ?, ?)", [
      what,
      airport,
      flight,
    ]);
    const change =
      this.store.dialect === "mysql"
        ? "on duplicate key update movements = movements + 1, delay = delay + values(delay)"
        : "on conflict (what, airport) do update set movements = total.movements + 1, delay = total.delay + excluded.delay";
    await this.#run(
      tx,
      `insert into total (what, airport, movements, delay) values (?, ?, 1, ?) ${change}`,
      [what, airport, delayMinutes],
    );
    const [total] = await this.#run(
      tx,
      "select movements from total where what = ? and airport = ?",
      [what, airport],
    );
    return Number(total!["movements"]);
  }

  async note(tx: Tx, what: string, airport: string, movements: number): Promise<void> {
    await this.#run(tx, "insert into milestone (what, airport, number) values (?, ?, ?)", [
      what,
      airport,
      movements,
    ]);
  }

  async read(): Promise<{
    readonly movements: Entry[];
    readonly milestones: Entry[];
    readonly totals: Total[];
  }> {
    return this.store.transaction(async ({ native }) => {
      const entries = async (table: string): Promise<Entry[]> => {
        const rows = await this.#run(
          native,
          `select at, what, airport, number from ${table} order by at`,
          [],
        );
        return rows.map((row) => ({
          at: Number(row["at"]),
          what: String(row["what"]),
          airport: String(row["airport"]),
          number: Number(row["number"]),
        }));
      };
      const totals = await this.#run(
        native,
        "select what, airport, movements, delay from total",
        [],
      );
      return {
        movements: await entries("movement"),
        milestones: await entries("milestone"),
        totals: totals.map((row) => ({
          what: String(row["what"]),
          airport: String(row["airport"]),
          movements: Number(row["movements"]),
          delay: Number(row["delay"]),
        })),
      };
    });
  }
}

/** The books at an address: `sqlite:PATH`, `postgres://…` or `mysql://…`. */
export function booksAt(address: string): Books {
  const scheme = address.slice(0, address.indexOf(":"));
  const made = makes[scheme];
  if (made === undefined)
    throw new Error(
      `--store ${address}: write sqlite, postgres, mariadb, none, or an address, postgres://host/database`,
    );
  return made(address) as Books;
}

const makes: Readonly<Record<string, (address: string) => object>> = {
  sqlite: (address) =>
    new Books<DatabaseSync>(sqlite(address.slice("sqlite:".length)), async (tx, sql, values) =>
      tx.prepare(sql).all(...(values as SQLInputValue[])),
    ),
  postgres: (address) =>
    new Books<PoolClient>(postgres(address), async (tx, sql, values) => {
      let count = 0;
      return (
        await tx.query<Row>(
          sql.replaceAll("?", () => `$${++count}`),
          [...values],
        )
      ).rows;
    }),
  mysql: (address) =>
    new Books<Connection>(mysql(address), async (tx, sql, values) => {
      const [rows] = await tx.execute(sql, [...values]);
      return Array.isArray(rows) ? (rows as Row[]) : [];
    }),
};
