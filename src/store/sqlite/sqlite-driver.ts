import { resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Env } from "../../base/env.ts";
import type { SqlDriver, SqlFailure, SqlResult, SqlValue } from "../sql/driver.ts";
import { failureIn } from "../sql/failures.ts";
import { NotReached } from "../sql/not-reached.ts";
import { Turns } from "../sql/turns.ts";
import { whileBusy, writersWaitMs } from "../sql/while-busy.ts";

/** Statements that are kept prepared. */
const statementsMax = 200;

/** SQLite by `node:sqlite`. What writes does so on one connection, in turn; what reads has another one and waits for nobody. */
export class SqliteDriver implements SqlDriver<DatabaseSync> {
  readonly name = "node:sqlite";
  readonly dialect = "sqlite";
  readonly address: string;
  readonly #path: string;
  /** The user's own connection, to a database that is not in a file. */
  readonly #only: DatabaseSync | undefined;
  readonly #env: Env;
  readonly #turns: Turns;
  readonly #prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>();
  #writer: DatabaseSync | undefined;
  #reader: DatabaseSync | undefined;
  #closed = false;

  constructor(where: string | DatabaseSync, env: Env) {
    const location = typeof where === "string" ? where : where.location();
    const inMemory = location === null || location === "" || location === ":memory:";
    this.#path = inMemory ? ":memory:" : resolve(location);
    this.#only = inMemory && typeof where !== "string" ? where : undefined;
    this.#env = env;
    this.#turns = new Turns(env, writersWaitMs);
    this.address = `sqlite:${this.#path}`;
  }

  async transaction<T>(work: (native: DatabaseSync) => Promise<T>): Promise<T> {
    const end = await this.#turns.take();
    try {
      const writer = await this.#opened();
      await whileBusy(this.#env, () => writer.exec("BEGIN IMMEDIATE"));
      try {
        const result = await work(writer);
        writer.exec("COMMIT");
        return result;
      } catch (error) {
        // A full disk, for one, has rolled it back already.
        if (writer.isTransaction) writer.exec("ROLLBACK");
        throw error;
      }
    } finally {
      end();
    }
  }

  owns(native: unknown): native is DatabaseSync {
    return native instanceof DatabaseSync && native.isOpen && native.isTransaction;
  }

  async run(native: DatabaseSync, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return whileBusy(this.#env, () => this.#ran(native, sql, values));
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    if (/^\s*SELECT\b/i.test(sql)) {
      const writer = this.#writer ?? (await this.#first());
      const reader = this.#reader;
      if (reader !== undefined) return this.#ran(reader, sql, values);
      if (!writer.isTransaction) return this.#ran(writer, sql, values);
    }
    const end = await this.#turns.take();
    try {
      const writer = await this.#opened();
      return await whileBusy(this.#env, () => this.#ran(writer, sql, values));
    } finally {
      end();
    }
  }

  failureOf(error: unknown): SqlFailure {
    return failureIn("sqlite", error);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#reader?.close();
    if (this.#writer !== this.#only) this.#writer?.close();
    this.#reader = undefined;
    this.#writer = undefined;
    return Promise.resolve();
  }

  async #first(): Promise<DatabaseSync> {
    const end = await this.#turns.take();
    try {
      return await this.#opened();
    } finally {
      end();
    }
  }

  /** Opened when it is first needed, by whoever has the turn. */
  async #opened(): Promise<DatabaseSync> {
    if (this.#writer !== undefined) return this.#writer;
    if (this.#closed) throw new Error("the database is not open any more");
    if (this.#only !== undefined) return (this.#writer = this.#only);
    const writer = opened(this.#path);
    try {
      await whileBusy(this.#env, () => writer.exec("PRAGMA journal_mode = WAL"));
      // Otherwise a power failure takes the last commits with it (OB-3).
      writer.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
      if (this.#path !== ":memory:")
        this.#reader = new DatabaseSync(this.#path, { timeout: 0, readOnly: true });
    } catch (error) {
      writer.close();
      throw error;
    }
    return (this.#writer = writer);
  }

  #ran(database: DatabaseSync, sql: string, values: readonly SqlValue[]): SqlResult {
    const statement = this.#statement(database, sql);
    if (statement.columns().length === 0) {
      const { changes } = statement.run(...values);
      return { rows: [], changes: Number(changes) };
    }
    const rows = statement.all(...values);
    return { rows, changes: rows.length };
  }

  #statement(database: DatabaseSync, sql: string): StatementSync {
    let prepared = this.#prepared.get(database);
    if (prepared === undefined) this.#prepared.set(database, (prepared = new Map()));
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      if (prepared.size >= statementsMax) prepared.clear();
      prepared.set(sql, statement);
    }
    return statement;
  }
}

function opened(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw new NotReached(error);
  }
}
