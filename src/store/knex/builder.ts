import { resultOf } from "../sql/answers.ts";
import {
  addressOf,
  dialectOf,
  type BuilderOptions,
  type Builder,
  type ConnectionSettings,
} from "../sql/builder.ts";
import type { SqlResult, SqlValue } from "../sql/driver.ts";
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
  readonly driverName: string;
  readonly connectionSettings?: ConnectionSettings;
  acquireConnection(): Promise<unknown>;
  releaseConnection(connection: unknown): Promise<void>;
  _query(connection: unknown, statement: Statement): Promise<{ readonly response: unknown }>;
}

interface Statement {
  readonly sql: string;
  readonly bindings: readonly SqlValue[];
}

/** By the clients that are known; CockroachDB and Redshift are no PostgreSQL here. */
const dialects: Readonly<Record<string, Dialect>> = {
  pg: "postgres",
  pgnative: "postgres",
  mysql: "mysql",
  mysql2: "mysql",
  "better-sqlite3": "sqlite",
};

/** Knex, and its transactions. */
export function knexBuilder<Trx>(db: KnexDatabase<Trx>, options: BuilderOptions): Builder<Trx> {
  const { driverName, connectionSettings = {} } = queryable(db).client;
  const dialect = dialectOf("Knex", options, dialects[driverName]);
  const run = async (
    { client }: Queryable,
    sql: string,
    bindings: readonly SqlValue[],
  ): Promise<SqlResult> => {
    const connection = await client.acquireConnection();
    try {
      const { response } = await client._query(connection, { sql, bindings });
      return resultOf[dialect](response);
    } finally {
      await client.releaseConnection(connection);
    }
  };
  return {
    name: "knex",
    dialect,
    address: options.address ?? addressOf(dialect, connectionSettings, "knex"),
    begin: (work) =>
      dialect === "mysql"
        ? db.transaction(work, { isolationLevel: "read committed" })
        : db.transaction(work),
    owns(native): native is Trx {
      if (typeof native !== "function") return false;
      const transaction = queryable(native);
      return transaction.isTransaction === true && transaction.isCompleted?.() === false;
    },
    run: (native, sql, values) => run(queryable(native), sql, values),
    read: (sql, values) => run(queryable(db), sql, values),
  };
}

function queryable(of: unknown): Queryable {
  return of as Queryable;
}
