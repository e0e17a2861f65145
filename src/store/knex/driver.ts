import { addressOf, dialectOf, resultOf, type BridgeOptions } from "../sql/bridge.ts";
import type { SqlDriver, SqlFailure, SqlResult, SqlValue } from "../sql/driver.ts";
import { failureIn } from "../sql/failures.ts";
import type { Dialect } from "../store.ts";

/** What Knex calls a database, as far as it is used here. */
export interface KnexDatabase<Trx> {
  transaction<T>(work: (trx: Trx) => Promise<T>, config?: TransactionConfig): Promise<T>;
}

interface TransactionConfig {
  isolationLevel?: "read committed";
}

/** What both a database and a transaction have. */
interface Queryable {
  readonly client: Client;
  readonly isTransaction?: boolean;
  isCompleted?(): boolean;
}

/**
 * The part of Knex that has the connections. `raw()` is not used: it wants `?` where PostgreSQL counts, hands results to the user's
 * `postProcessResponse`, which may rename columns, and writes all values into the message of an error.
 */
interface Client {
  readonly dialect: string;
  readonly driverName: string;
  readonly connectionSettings?: object;
  acquireConnection(): Promise<unknown>;
  releaseConnection(connection: unknown): Promise<void>;
  _query(connection: unknown, statement: Statement): Promise<{ readonly response: unknown }>;
}

interface Statement {
  readonly sql: string;
  readonly bindings: readonly SqlValue[];
}

/** Runs statements by Knex, in its transactions. */
export class KnexDriver<Trx> implements SqlDriver<Trx> {
  readonly name = "knex";
  readonly dialect: Dialect;
  readonly address: string;
  readonly #db: KnexDatabase<Trx>;

  constructor(db: KnexDatabase<Trx>, options: BridgeOptions) {
    const { client } = queryable(db);
    this.#db = db;
    this.dialect = dialectOf("Knex", options, drivers[client.driverName]);
    this.address = options.address ?? addressOf(this.dialect, client.connectionSettings, "knex");
  }

  transaction<T>(work: (native: Trx) => Promise<T>): Promise<T> {
    return this.dialect === "mysql"
      ? this.#db.transaction(work, { isolationLevel: "read committed" })
      : this.#db.transaction(work);
  }

  owns(native: unknown): native is Trx {
    if (typeof native !== "function") return false;
    const { isTransaction, isCompleted } = queryable(native);
    return isTransaction === true && isCompleted?.() === false;
  }

  run(native: Trx, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return this.#execute(queryable(native).client, sql, values);
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return this.#execute(queryable(this.#db).client, sql, values);
  }

  failureOf(error: unknown): SqlFailure {
    return failureIn(this.dialect, error);
  }

  async close(): Promise<void> {
    // What the user has opened stays open.
  }

  async #execute(client: Client, sql: string, bindings: readonly SqlValue[]): Promise<SqlResult> {
    const connection = await client.acquireConnection();
    try {
      const { response } = await client._query(connection, { sql, bindings });
      return resultOf[this.dialect](response);
    } finally {
      await client.releaseConnection(connection);
    }
  }
}

/** By the clients that are known; CockroachDB and Redshift are no PostgreSQL here. */
const drivers: Readonly<Record<string, Dialect>> = {
  pg: "postgres",
  pgnative: "postgres",
  mysql: "mysql",
  mysql2: "mysql",
  "better-sqlite3": "sqlite",
};

function queryable(of: unknown): Queryable {
  return of as Queryable;
}
