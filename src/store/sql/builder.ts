import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Dialect } from "../store.ts";
import { bindable } from "./answers.ts";
import type { SqlDriver, SqlFailure, SqlResult, SqlValue } from "./driver.ts";
import { failedBefore } from "./failed-before.ts";
import { failureIn } from "./failures.ts";
import { NotReached } from "./not-reached.ts";
import { whileBusy } from "./while-busy.ts";

/** How a store over the user's own query builder is made. */
export interface BuilderOptions {
  /** Whose SQL the builder speaks. Default: as it says itself; to be said for dialects that somebody else has made. */
  readonly dialect?: Dialect;
  /** Where the database is, for messages: never with a password. Default: as far as the builder tells. */
  readonly address?: string;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

/** What a query builder is able to do, in its own words. */
export interface Builder<Native> {
  readonly name: string;
  readonly dialect: Dialect;
  readonly address: string;
  /** A transaction as its user begins one. */
  begin<T>(work: (native: Native) => Promise<T>): Promise<T>;
  owns(native: unknown): native is Native;
  run(native: Native, sql: string, values: readonly SqlValue[]): Promise<SqlResult>;
  /** One statement that only reads, outside of transactions. Where there is one connection only, it must not see what is open there. */
  read(sql: string, values: readonly SqlValue[]): Promise<SqlResult>;
  /** What it says by codes of its own. */
  failureOf?(error: unknown): SqlFailure;
}

/** Speaks with a database by a builder, whose transactions are the user's: what they lack is added here. */
export class BuilderDriver<Native> implements SqlDriver<Native> {
  readonly name: string;
  readonly dialect: Dialect;
  readonly address: string;
  readonly notify?: (channel: string) => Promise<void>;
  readonly #builder: Builder<Native>;
  readonly #env: Env;

  constructor(builder: Builder<Native>, env: Env) {
    this.#builder = builder;
    this.#env = env;
    this.name = builder.name;
    this.dialect = builder.dialect;
    this.address = builder.address;
    if (this.dialect === "postgres")
      this.notify = async (channel) => {
        // As text: not every builder knows the type `void`.
        await builder.read("SELECT CAST(pg_notify($1, '') AS text)", [channel]);
      };
  }

  transaction<T>(work: (native: Native) => Promise<T>): Promise<T> {
    return this.#builder.begin(async (native) => {
      if (this.dialect === "sqlite") await this.#writeFromNowOn(native);
      const result = await work(native);
      if (this.dialect === "postgres") await this.#seeThatNothingFailed(native);
      return result;
    });
  }

  owns(native: unknown): native is Native {
    return this.#builder.owns(native);
  }

  run(native: Native, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return this.#builder.run(native, sql, this.#bindable(values));
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    // What writes needs the isolation, or the patience, of a transaction; PostgreSQL is the same without.
    return this.dialect === "postgres" || /^\s*SELECT\b/i.test(sql)
      ? this.#builder.read(sql, this.#bindable(values))
      : this.transaction((native) => this.run(native, sql, values));
  }

  failureOf(error: unknown): SqlFailure {
    if (error instanceof NotReached) return "lost";
    const failure = failureIn(this.dialect, error);
    return failure === "other" ? (this.#builder.failureOf?.(error) ?? "other") : failure;
  }

  async close(): Promise<void> {
    // What the user has opened stays open.
  }

  /**
   * Builders begin transactions of SQLite that may only turn out to be too late when they write first. This one waits for its turn at
   * once, without stopping the event loop.
   */
  async #writeFromNowOn(native: Native): Promise<void> {
    const run = (sql: string): Promise<SqlResult> => this.#builder.run(native, sql, []);
    const { rows } = await run("PRAGMA busy_timeout");
    await run("ROLLBACK");
    await run("PRAGMA busy_timeout = 0");
    try {
      await whileBusy(this.#env, () => run("BEGIN IMMEDIATE"));
    } catch (error) {
      // The builder will end what it believes to be open.
      await run("BEGIN");
      throw error;
    } finally {
      await run(`PRAGMA busy_timeout = ${Number(rows[0]?.["timeout"])}`);
    }
  }

  #bindable(values: readonly SqlValue[]): readonly SqlValue[] {
    return this.dialect === "sqlite" ? values.map(bindable) : values;
  }

  /** PostgreSQL answers a COMMIT by a rollback when a statement had failed, and not every builder looks at the answer. */
  async #seeThatNothingFailed(native: Native): Promise<void> {
    try {
      await this.#builder.run(native, "SELECT 1", []);
    } catch (error) {
      throw this.failureOf(error) === "other" ? failedBefore(error) : error;
    }
  }
}

/** The dialect of a builder: as its user says, or as was found. */
export function dialectOf(
  builder: string,
  { dialect }: BuilderOptions,
  found: Dialect | undefined,
): Dialect {
  const known = dialect ?? found;
  if (known !== undefined) return known;
  throw systemError("INVALID_ARGUMENT", `${builder} does not say which database it speaks with`, {
    executed: "no",
    advice: `say { dialect: "postgres" }, "mysql" or "sqlite"; other databases cannot keep an outbox`,
  });
}

/** What connections are made with; most clients give it these names. */
export interface ConnectionSettings {
  readonly host?: string;
  readonly port?: number | string;
  readonly database?: string;
  readonly filename?: string;
  readonly connectionString?: string;
}

/** Where a database is, without a password, as far as the client of a builder tells. */
export function addressOf(
  dialect: Dialect,
  { host, port, database = "", filename, connectionString }: ConnectionSettings,
  builder: string,
): string {
  if (filename !== undefined) return `sqlite:${filename}`;
  if (connectionString !== undefined && URL.canParse(connectionString)) {
    const { host: where, pathname } = new URL(connectionString);
    return `${dialect}://${where}${pathname}`;
  }
  if (host === undefined) return `${dialect}:${builder}`;
  return `${dialect}://${host}${port === undefined ? "" : `:${port}`}/${database}`;
}
