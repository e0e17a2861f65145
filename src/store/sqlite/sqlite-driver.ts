import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { SqlDriver, SqlFailure, SqlResult, SqlValue } from "../sql/driver.ts";
import { failureIn } from "../sql/failures.ts";
import { NotReached } from "../sql/not-reached.ts";
import { Turns } from "../sql/turns.ts";
import { whileBusy, writersWaitMs } from "../sql/while-busy.ts";
import type { Prepared, SqliteClient, SqliteConnection } from "./client.ts";

/** Statements that are kept prepared. */
const statementsMax = 200;

/** SQLite. What writes does so on one connection, in turn; what reads has another one and waits for nobody. */
export class SqliteDriver<Connection extends SqliteConnection> implements SqlDriver<Connection> {
  readonly name: string;
  readonly dialect = "sqlite";
  readonly address: string;
  readonly #client: SqliteClient<Connection>;
  readonly #env: Env;
  readonly #turns: Turns;
  readonly #prepared = new WeakMap<Connection, Map<string, Prepared>>();
  #writer: Connection | undefined;
  #reader: Connection | undefined;
  #closed = false;

  constructor(client: SqliteClient<Connection>, env: Env) {
    this.#client = client;
    this.#env = env;
    this.#turns = new Turns(env, writersWaitMs);
    this.name = client.name;
    this.address = `sqlite:${client.path ?? ":memory:"}`;
  }

  async transaction<T>(work: (native: Connection) => Promise<T>): Promise<T> {
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
        if (this.#client.inTransaction(writer)) writer.exec("ROLLBACK");
        throw error;
      }
    } finally {
      end();
    }
  }

  owns(native: unknown): native is Connection {
    return this.#client.owns(native) && this.#client.inTransaction(native);
  }

  async run(native: Connection, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return whileBusy(this.#env, () => {
      // One of better-sqlite3's functions is, before anything that it was to wait for.
      if (!this.#client.inTransaction(native)) throw isOver();
      return this.#ran(native, sql, values);
    });
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    if (/^\s*SELECT\b/i.test(sql)) {
      const writer = this.#writer ?? (await this.#first());
      const reader = this.#reader;
      if (reader !== undefined) return this.#ran(reader, sql, values);
      if (!this.#client.inTransaction(writer)) return this.#ran(writer, sql, values);
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
    if (this.#writer !== this.#client.only) this.#writer?.close();
    this.#reader = undefined;
    this.#writer = undefined;
    return Promise.resolve();
  }

  async #first(): Promise<Connection> {
    const end = await this.#turns.take();
    try {
      return await this.#opened();
    } finally {
      end();
    }
  }

  /** Opened when it is first needed, by whoever has the turn. */
  async #opened(): Promise<Connection> {
    if (this.#writer !== undefined) return this.#writer;
    if (this.#closed) throw new Error("the database is not open any more");
    const { only, path } = this.#client;
    if (only !== undefined) return (this.#writer = only);
    const writer = this.#reached();
    try {
      await whileBusy(this.#env, () => writer.exec("PRAGMA journal_mode = WAL"));
      // Otherwise a power failure takes the last commits with it (OB-3).
      writer.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
      if (path !== undefined) this.#reader = this.#client.open(true);
    } catch (error) {
      writer.close();
      throw error;
    }
    return (this.#writer = writer);
  }

  #reached(): Connection {
    try {
      return this.#client.open(false);
    } catch (error) {
      throw new NotReached(error);
    }
  }

  #ran(connection: Connection, sql: string, values: readonly SqlValue[]): SqlResult {
    let prepared = this.#prepared.get(connection);
    if (prepared === undefined) this.#prepared.set(connection, (prepared = new Map()));
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = this.#client.prepare(connection, sql);
      if (prepared.size >= statementsMax) prepared.clear();
      prepared.set(sql, statement);
    }
    return statement(values);
  }
}

function isOver(): Error {
  return systemError("INVALID_ARGUMENT", "this transaction of SQLite is over", {
    executed: "no",
    advice:
      "await what publishes before the commit; a function given to better-sqlite3's `transaction` cannot: use outbox.transaction(…)",
  });
}
