import type {
  Connection,
  ConnectionOptions,
  FieldPacket,
  Pool,
  PoolConnection,
  QueryResult,
  ResultSetHeader,
} from "mysql2/promise";
import type { SqlDriver, SqlFailure, SqlResult, SqlValue } from "../sql/driver.ts";
import { systemError } from "../../base/error.ts";
import { failureIn } from "../sql/failures.ts";
import { checkPacket, checkVersion } from "./server-limits.ts";
import { sqlText } from "./sql-text.ts";

/** Gaps are not locked, so that transactions which write different rows do not wait for each other in a circle. */
const isolation = "TRANSACTION ISOLATION LEVEL READ COMMITTED";

/** What mysql2 makes of whole numbers, unless the user's pool says otherwise. */
const wholeNumberTypes: ReadonlySet<number> = new Set([8, 246]);

/** Speaks with MySQL and MariaDB by mysql2. */
export class Mysql2Driver implements SqlDriver<Connection> {
  readonly name = "mysql2";
  readonly dialect = "mysql";
  readonly address: string;
  readonly #pool: Pool;
  readonly #own: boolean;
  /** Transactions that this driver has begun. */
  readonly #begun = new WeakMap<Connection, Begun>();
  #checked: Promise<void> | undefined;
  /** What the server takes as one statement, in bytes: `max_allowed_packet`. */
  #packetMax = Infinity;

  /** `own`: the pool was made for this driver, which closes it. */
  constructor(pool: Pool, own: boolean) {
    this.#pool = pool;
    this.#own = own;
    this.address = addressOf(pool);
    if (own)
      pool.pool.on("connection", (connection) => {
        connection.query(`SET SESSION ${isolation}`, () => {});
      });
  }

  async transaction<T>(work: (native: Connection) => Promise<T>): Promise<T> {
    return this.#connected(async (connection) => {
      if (!this.#own) await connection.query(`SET ${isolation}`);
      await connection.query("START TRANSACTION");
      const begun = watched(connection);
      this.#begun.set(connection, begun);
      try {
        const result = await work(connection);
        await checkBegun(connection, begun);
        await connection.query("COMMIT");
        return result;
      } finally {
        this.#begun.delete(connection);
      }
    });
  }

  /** Whatever has failed may have left a transaction open: such a connection is rolled back, or given up. */
  async #connected<T>(act: (connection: PoolConnection) => Promise<T>): Promise<T> {
    await this.#check();
    const connection = await this.#pool.getConnection();
    try {
      const result = await act(connection);
      connection.release();
      return result;
    } catch (error) {
      if (this.failureOf(error) === "lost") connection.destroy();
      else
        await connection.query("ROLLBACK").then(
          () => connection.release(),
          () => connection.destroy(),
        );
      throw error;
    }
  }

  owns(native: unknown): native is Connection {
    if (typeof native !== "object" || native === null) return false;
    const { query, beginTransaction, getConnection, promise } = native as Record<string, unknown>;
    // A pool would run each statement by itself, on any connection; one with callbacks answers nothing that can be awaited.
    return (
      typeof query === "function" &&
      typeof beginTransaction === "function" &&
      getConnection === undefined &&
      promise === undefined
    );
  }

  async run(native: Connection, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const begun = this.#begun.get(native);
    if (begun !== undefined) await checkBegun(native, begun);
    else if (sql.startsWith("INSERT") && !(await isOpen(native))) throw notBegun();
    return this.#ran(native, sql, values);
  }

  async #ran(native: Connection, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const typeCast = typeof native.config?.typeCast === "function" ? plainCast : undefined;
    const text = sqlText(sql, values);
    checkPacket(text, this.#packetMax);
    return resultOf(await native.query(queryOf(text, typeCast)));
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return this.#connected(async (connection) => {
      if (!this.#own && !sql.startsWith("SELECT")) await connection.query(`SET ${isolation}`);
      return this.#ran(connection, sql, values);
    });
  }

  failureOf(error: unknown): SqlFailure {
    return failureIn("mysql", error);
  }

  async close(): Promise<void> {
    if (this.#own) await this.#pool.end();
  }

  /** Which server it is, once; what failed is asked again. */
  #check(): Promise<void> {
    this.#checked ??= this.#version().catch((error: unknown) => {
      this.#checked = undefined;
      throw error;
    });
    return this.#checked;
  }

  async #version(): Promise<void> {
    const asked = "SELECT VERSION() AS version, @@max_allowed_packet AS packet";
    const connection = await this.#pool.getConnection();
    const { rows } = await this.#ran(connection, asked, []).finally(() => connection.release());
    checkVersion(String(rows[0]?.["version"]));
    this.#packetMax = Number(rows[0]?.["packet"]);
  }
}

/** SERVER_STATUS_IN_TRANS and SERVER_STATUS_AUTOCOMMIT of the protocol of MySQL. */
const status = { open: 1, autocommit: 2 };

/** Whether a transaction is open, or begins with the next statement. */
async function isOpen(native: Connection): Promise<boolean> {
  const [answer] = await native.query<ResultSetHeader>("DO 0");
  return (answer.serverStatus & (status.open | status.autocommit)) !== status.autocommit;
}

/** Whoever has begun no transaction would commit what he publishes at once, and never take it back. */
function notBegun(): Error {
  return systemError("INVALID_ARGUMENT", "no transaction is open in this connection", {
    executed: "no",
    advice: "await connection.beginTransaction() before",
  });
}

interface Begun {
  /** The first that has failed since it was known to be open. */
  failed: Error | undefined;
}

/**
 * A deadlock rolls a transaction back, and whoever catches its error goes on without one: each of his statements is committed by itself.
 * So it is noted what fails. The connection is an object that the pool has made for this use of it.
 */
function watched(connection: PoolConnection): Begun {
  const begun: Begun = { failed: undefined };
  for (const name of ["query", "execute"] as const) {
    const original: unknown = Reflect.get(connection, name);
    if (typeof original !== "function") continue;
    Reflect.set(connection, name, async (...given: unknown[]): Promise<unknown> => {
      try {
        return await (Reflect.apply(original, connection, given) as Promise<unknown>);
      } catch (error) {
        if (error instanceof Error) begun.failed ??= error;
        throw error;
      }
    });
  }
  return begun;
}

/** Throws what has ended the transaction, if something has. */
async function checkBegun(native: Connection, begun: Begun): Promise<void> {
  const { failed } = begun;
  if (failed === undefined) return;
  begun.failed = undefined;
  if (await isOpen(native)) return;
  begun.failed = failed;
  throw failed;
}

/** The user's pool may have been told to give rows in other forms. */
function queryOf(sql: string, typeCast?: typeof plainCast): Parameters<Pool["query"]>[0] & object {
  return { sql, rowsAsArray: false, nestTables: false, ...(typeCast && { typeCast }) };
}

function plainCast(_: unknown, next: () => unknown): unknown {
  return next();
}

function resultOf([result, fields]: [QueryResult, FieldPacket[]]): SqlResult {
  if (!Array.isArray(result)) return { rows: [], changes: result.affectedRows };
  const rows = result as Record<string, unknown>[];
  for (const { name, columnType } of fields)
    if (wholeNumberTypes.has(columnType ?? 0))
      for (const row of rows) if (typeof row[name] === "string") row[name] = Number(row[name]);
  return { rows, changes: 0 };
}

/** Without credentials. */
function addressOf({ pool }: Pool): string {
  const { config } = pool as { readonly config: { readonly connectionConfig?: ConnectionOptions } };
  const { host, port, socketPath, database } = config.connectionConfig ?? {};
  return `mysql://${socketPath ?? `${host}:${port}`}/${database ?? ""}`;
}
