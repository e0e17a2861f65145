import { addressOf, dialectOf, resultOf, type BridgeOptions } from "../sql/bridge.ts";
import type { SqlDriver, SqlFailure, SqlResult, SqlValue } from "../sql/driver.ts";
import { failureIn } from "../sql/failures.ts";
import type { Dialect } from "../store.ts";
import { Statement } from "./statement.ts";

/** What Drizzle calls a database, as far as it is used here. */
export interface DrizzleDatabase<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>, config?: TransactionConfig): Promise<T>;
}

interface TransactionConfig {
  isolationLevel?: "read committed";
}

/** What both a database and a transaction have; `rollback` a transaction alone. */
interface Executing {
  readonly dialect: object;
  readonly $client?: unknown;
  readonly session?: { readonly client?: unknown };
  execute(statement: Statement): Promise<unknown>;
  rollback?(): never;
}

/** Runs statements by Drizzle, in its transactions, on PostgreSQL and MySQL. */
export class DrizzleDriver<Tx> implements SqlDriver<Tx> {
  readonly name = "drizzle";
  readonly dialect: Dialect;
  readonly address: string;
  readonly #db: DrizzleDatabase<Tx>;

  constructor(db: DrizzleDatabase<Tx>, options: BridgeOptions) {
    this.#db = db;
    this.dialect = dialectOf("Drizzle", options, spokenBy(executing(db)));
    this.address = options.address ?? addressOf(this.dialect, undefined, "drizzle");
  }

  transaction<T>(work: (native: Tx) => Promise<T>): Promise<T> {
    const config =
      this.dialect === "mysql" ? ({ isolationLevel: "read committed" } as const) : undefined;
    return this.#db.transaction(work, config);
  }

  owns(native: unknown): native is Tx {
    return (
      typeof native === "object" &&
      native !== null &&
      typeof executing(native).rollback === "function"
    );
  }

  run(native: Tx, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return this.#execute(executing(native), sql, values);
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return this.#execute(executing(this.#db), sql, values);
  }

  failureOf(error: unknown): SqlFailure {
    return failureIn(this.dialect, error);
  }

  async close(): Promise<void> {
    // What the user has opened stays open.
  }

  async #execute(by: Executing, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    try {
      return resultOf[this.dialect](await by.execute(new Statement(sql, values)));
    } catch (error) {
      // Its own error has all values in its message.
      throw (error as Error).cause ?? error;
    }
  }
}

/** Drizzle names its classes by this, whatever a bundler calls them. */
const kind = Symbol.for("drizzle:entityKind");

const dialects: Readonly<Record<string, Dialect>> = {
  PgDialect: "postgres",
  MySqlDialect: "mysql",
  SQLiteSyncDialect: "sqlite",
};

function spokenBy({ dialect }: Executing): Dialect | undefined {
  return dialects[String((dialect.constructor as { readonly [kind]?: string })[kind])];
}

function executing(of: unknown): Executing {
  return of as Executing;
}
