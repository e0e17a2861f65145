import type { SqlDriver, SqlFailure, SqlResult, SqlRow, SqlValue } from "../sql/driver.ts";
import { failureIn } from "../sql/failures.ts";
import type { Listening } from "../store.ts";

/** What postgres.js calls a database, as far as it is used here. */
export interface PostgresJs<Tx> {
  readonly options: PostgresJsOptions;
  begin(options: string, work: (sql: Tx) => Promise<unknown>): Promise<unknown>;
  listen(
    channel: string,
    heard: (payload: string) => void,
    listening: () => void,
  ): Promise<{ unlisten(): Promise<void> }>;
}

interface PostgresJsOptions {
  readonly host: string | readonly string[];
  readonly port: number | readonly number[];
  readonly database: string;
  readonly transform: {
    readonly column: { readonly from?: ((name: string) => string) | undefined };
  };
}

/** What both a database and a transaction can do. */
interface Executing {
  unsafe(
    sql: string,
    values: readonly SqlValue[],
  ): Promise<readonly SqlRow[] & { readonly count: number | null }>;
}

/** PostgreSQL by postgres.js. */
export class PostgresJsDriver<Tx> implements SqlDriver<Tx> {
  readonly name = "postgres.js";
  readonly dialect = "postgres";
  readonly address: string;
  readonly #sql: PostgresJs<Tx>;

  constructor(sql: PostgresJs<Tx>) {
    const { host, port, database } = sql.options;
    this.#sql = sql;
    this.address = `postgres://${[host].flat()[0]}:${[port].flat()[0]}/${database}`;
  }

  // It rejects by itself when a statement has failed, whoever has caught that.
  transaction<T>(work: (native: Tx) => Promise<T>): Promise<T> {
    return this.#sql.begin("isolation level read committed", work) as Promise<T>;
  }

  owns(native: unknown): native is Tx {
    return typeof native === "function" && "savepoint" in native && "unsafe" in native;
  }

  run(native: Tx, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return this.#ran(native, sql, values);
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return this.#ran(this.#sql, sql, values);
  }

  failureOf(error: unknown): SqlFailure {
    return failureIn("postgres", error);
  }

  async notify(channel: string): Promise<void> {
    await this.query("SELECT pg_notify($1, '')", [channel]);
  }

  async listen(channel: string, heard: () => void): Promise<Listening> {
    // It makes a lost connection again, and says so: what was told meanwhile was not heard.
    const { unlisten } = await this.#sql.listen(channel, heard, heard);
    return { close: () => unlisten() };
  }

  async close(): Promise<void> {
    // What the user has opened stays open.
  }

  async #ran(by: unknown, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const result = await (by as Executing).unsafe(sql, values);
    return { rows: this.#named(result), changes: result.count ?? 0 };
  }

  /** Users may have all columns renamed (`postgres.camel`): ours get their names back. */
  #named(rows: readonly SqlRow[]): readonly SqlRow[] {
    const rename = this.#sql.options.transform.column.from;
    if (rename === undefined || rows.length === 0) return rows;
    const names = new Map(columnNames.map((name) => [rename(name), name]));
    return rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [names.get(name) ?? name, value]),
      ),
    );
  }
}

/** Those of our results whose names a transformation could change. */
const columnNames = [
  "changed_at",
  "dead_at",
  "msg_key",
  "not_before",
  "processed_at",
  "ran_at",
  "written_at",
];
