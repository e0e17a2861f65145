import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { givesRows, resultOf } from "../sql/answers.ts";
import {
  addressOf,
  dialectOf,
  type BuilderOptions,
  type Builder,
  type ConnectionSettings,
} from "../sql/builder.ts";
import type { SqlResult, SqlValue } from "../sql/driver.ts";
import { Turns } from "../sql/turns.ts";
import { writersWaitMs } from "../sql/while-busy.ts";
import type { Dialect } from "../store.ts";

/** What Drizzle calls a database, as far as it is used here. */
export interface DrizzleDatabase<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

interface TransactionConfig {
  isolationLevel?: "read committed";
}

/** What both a database and a transaction are able to do. */
interface Executing {
  readonly dialect: object;
  /** Of a database alone. */
  readonly $client?: unknown;
  readonly session?: { readonly client?: unknown };
  /** Not for SQLite. */
  execute(statement: Statement): Promise<unknown>;
  /** For SQLite, at once. */
  run(statement: Statement): unknown;
  all(statement: Statement): unknown;
  transaction<T>(work: (tx: Executing) => T, config?: TransactionConfig): T;
  /** Of a transaction alone. */
  rollback?(): never;
}

/** What its `sql` template makes, without its library. */
class Statement {
  readonly #sql: string;
  readonly #values: readonly SqlValue[];

  constructor(sql: string, values: readonly SqlValue[]) {
    this.#sql = sql;
    this.#values = values;
  }

  getSQL(): this {
    return this;
  }

  toQuery(): { sql: string; params: SqlValue[] } {
    return { sql: this.#sql, params: [...this.#values] };
  }
}

/** Drizzle, and its transactions. */
export function drizzleBuilder<Tx>(
  db: DrizzleDatabase<Tx>,
  options: BuilderOptions,
  env: Env,
): Builder<Tx> {
  const all = executing(db);
  const dialect = dialectOf("Drizzle", options, spokenBy(all));
  const address = options.address ?? addressOf(dialect, settingsOf(all.$client), "drizzle");
  const builder = dialect === "sqlite" ? onOneConnection(all, env) : onAPool(all, dialect);
  return { name: "drizzle", dialect, address, ...builder } as Builder<Tx>;
}

type Acts = Omit<Builder<Executing>, "name" | "dialect" | "address">;

/** PostgreSQL and MySQL. */
function onAPool(db: Executing, dialect: "postgres" | "mysql"): Acts {
  if (isSingle(db.$client)) throw notAPool();
  const config = dialect === "mysql" ? ({ isolationLevel: "read committed" } as const) : undefined;
  const run = async (by: Executing, sql: string, values: readonly SqlValue[]): Promise<SqlResult> =>
    resultOf[dialect](await unwrapped(() => by.execute(new Statement(sql, values))));
  return {
    begin: (work) => db.transaction((tx) => heard(tx, () => work(tx)), config),
    owns: isTransaction,
    run,
    read: (sql, values) => run(db, sql, values),
  };
}

/**
 * SQLite by better-sqlite3, whose own transactions are over before anything can be waited for. So those of the store are begun and
 * ended by statements, one at a time; the object that stands for a transaction in Drizzle is that of an empty one.
 */
function onOneConnection(db: Executing, env: Env): Acts {
  const turns = new Turns(env, writersWaitMs);
  const run = async (
    by: Executing,
    sql: string,
    values: readonly SqlValue[],
  ): Promise<SqlResult> => {
    const statement = new Statement(sql, values);
    return resultOf.sqlite(
      await unwrapped(() => (givesRows(sql) ? by.all(statement) : by.run(statement))),
    );
  };
  const inTurn = async <T>(act: () => Promise<T>): Promise<T> => {
    const end = await turns.take();
    try {
      return await act();
    } finally {
      end();
    }
  };
  return {
    begin: (work) =>
      inTurn(async () => {
        const tx = db.transaction((empty) => empty);
        await run(tx, "BEGIN", []);
        try {
          const result = await work(tx);
          await run(tx, "COMMIT", []);
          return result;
        } catch (error) {
          await run(tx, "ROLLBACK", []);
          throw error;
        }
      }),
    owns(native): native is Executing {
      if (!isTransaction(native)) return false;
      throw systemError("INVALID_ARGUMENT", "this transaction is over before anything is written", {
        executed: "no",
        advice:
          "transactions of better-sqlite3 wait for nothing: begin it by the store, outbox.transaction(async ({ tx, publish }) => …)",
      });
    },
    run,
    read: (sql, values) => inTurn(() => run(db, sql, values)),
  };
}

/** Drizzle's own errors have all values in their message, so the one within is given. */
async function unwrapped<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw (error as Error).cause ?? error;
  }
}

/**
 * pg tells of a connection that was lost between two statements by an event. While the connection is lent out nobody hears it, and the
 * process would end.
 */
async function heard<T>({ session }: Executing, work: () => Promise<T>): Promise<T> {
  const client = session?.client as Partial<NodeJS.EventEmitter> | undefined;
  const ignore = (): void => {};
  client?.on?.("error", ignore);
  try {
    return await work();
  } finally {
    client?.off?.("error", ignore);
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

function isTransaction(native: unknown): native is Executing {
  return (
    typeof native === "object" &&
    native !== null &&
    typeof (native as Partial<Executing>).rollback === "function"
  );
}

/** One connection runs one transaction at a time, and the relay has some of its own. */
function isSingle(client: unknown): boolean {
  if (typeof client !== "object" || client === null) return false;
  const ofPg = "connectionParameters" in client;
  const ofMysql = "beginTransaction" in client && !("getConnection" in client);
  return ofPg || ofMysql;
}

function notAPool(): Error {
  return systemError("INVALID_ARGUMENT", "this database of Drizzle is one connection", {
    executed: "no",
    advice: "make it with a pool, as its transactions would get mixed up with those of the relay",
  });
}

/** What connections are made with, by pg, postgres.js, mysql2 and better-sqlite3. */
function settingsOf(client: unknown): ConnectionSettings {
  const { options, pool, name } = (client ?? {}) as {
    readonly options?: ConnectionSettings & { readonly host?: string | readonly string[] };
    readonly pool?: { readonly config?: { readonly connectionConfig?: ConnectionSettings } };
    readonly name?: string;
  };
  const settings = pool?.config?.connectionConfig ?? options;
  if (settings === undefined) return name === undefined ? {} : { filename: name };
  const { host, port } = settings as { host?: unknown; port?: unknown };
  // postgres.js has a list of each.
  return Array.isArray(host) && Array.isArray(port)
    ? { ...settings, host: String(host[0]), port: String(port[0]) }
    : settings;
}

function executing(of: unknown): Executing {
  return of as Executing;
}
