import type Pg from "pg";
import type { Client, Pool, PoolClient } from "pg";
import { systemError } from "../../base/error.ts";
import type { Env } from "../../base/env.ts";
import type { SqlDriver, SqlFailure, SqlResult, SqlValue } from "../sql/driver.ts";
import { failedBefore } from "../sql/failed-before.ts";
import { failureIn } from "../sql/failures.ts";
import { NotReached } from "../sql/not-reached.ts";
import type { Listening } from "../store.ts";
import { commitWith } from "./committing.ts";
import type { ReplicationClient } from "./log/slot-stream.ts";
import { PgListener } from "./pg-listener.ts";
import { Prepared } from "./prepared.ts";

/** A connection that cannot be had within so many milliseconds is not there. */
const connectMs = 10_000;

/** PostgreSQL by `pg`. */
export class PgDriver implements SqlDriver<PoolClient> {
  readonly name = "pg";
  readonly dialect = "postgres";
  readonly address: string;
  readonly #where: string | Pool;
  readonly #env: Env;
  readonly #listeners = new Set<PgListener>();
  readonly #prepared: Prepared | undefined;
  /** Those whose last statement has committed them. */
  readonly #committed = new WeakSet<PoolClient>();
  #pool: Promise<Pool> | undefined;
  #ended: Promise<void> | undefined;

  constructor(where: string | Pool, prepare: boolean, env: Env) {
    this.#where = where;
    this.#env = env;
    this.#prepared = prepare ? new Prepared() : undefined;
    this.address = addressOf(where);
  }

  async transaction<T>(work: (native: PoolClient) => Promise<T>): Promise<T> {
    let broken: Error | boolean = false;
    const lost = (error: Error): void => void (broken = error);
    const client = await this.#connected(lost);
    try {
      await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
      try {
        const result = await work(client);
        if (this.#committed.has(client)) return result;
        const { command } = await client.query("COMMIT");
        if (command === "ROLLBACK") throw failedBefore();
        return result;
      } catch (error) {
        if (client.getTransactionStatus() !== "I")
          await client.query("ROLLBACK").catch(() => (broken = true));
        throw error;
      }
    } finally {
      this.#committed.delete(client);
      client.off("error", lost);
      client.release(broken);
    }
  }

  owns(native: unknown): native is PoolClient {
    const client = native as Partial<PoolClient> | null;
    if (typeof client !== "object" || typeof client?.query !== "function") return false;
    if ("totalCount" in client) return false;
    // Older versions do not say.
    const status = client.getTransactionStatus?.();
    return status === undefined || status === "T" || status === "E";
  }

  async run(native: PoolClient, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const name = this.#nameOf(sql);
    if (name === "") return resultOf(await native.query(sql, values as unknown[]));
    return resultOf(await native.query({ name, text: sql, values: values as unknown[] }));
  }

  async commitWith(
    native: PoolClient,
    sql: string,
    values: readonly SqlValue[],
  ): Promise<SqlResult> {
    const result = await commitWith(native, sql, values, this.#nameOf(sql));
    this.#committed.add(native);
    return result;
  }

  #nameOf(sql: string): string {
    return this.#prepared?.nameOf(sql) ?? "";
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    let broken: Error | undefined;
    const lost = (error: Error): void => void (broken = error);
    const client = await this.#connected(lost);
    try {
      return resultOf(await client.query(sql, values as unknown[]));
    } finally {
      client.off("error", lost);
      client.release(broken);
    }
  }

  failureOf(error: unknown): SqlFailure {
    return failureIn("postgres", error);
  }

  async notify(channel: string): Promise<void> {
    await this.query("SELECT pg_notify($1, '')", [channel]);
  }

  async listen(channel: string, heard: () => void): Promise<Listening> {
    const pool = await this.#opened();
    const { Client: ClientOf } = pool as unknown as { Client: typeof Client };
    const listener = new PgListener(() => new ClientOf(pool.options), channel, heard, this.#env);
    this.#listeners.add(listener);
    try {
      await listener.begin();
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
    return {
      close: async () => {
        this.#listeners.delete(listener);
        await listener.close();
      },
    };
  }

  /** A client for reading the log of the database, not connected yet. */
  async replicating(): Promise<ReplicationClient> {
    const pool = await this.#opened();
    const { Client: ClientOf } = pool as unknown as { Client: typeof Client };
    // What it does with its connection is not among its types.
    const client: unknown = new ClientOf({
      ...pool.options,
      // The pool keeps it where nobody prints it.
      password: pool.options.password,
      replication: "database",
    } as object);
    return client as ReplicationClient;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    this.#listeners.clear();
    if (typeof this.#where === "string") await (this.#ended ??= (await this.#pool)?.end());
  }

  async #connected(lost: (error: Error) => void): Promise<PoolClient> {
    const pool = await this.#opened();
    try {
      return await taken(pool, lost);
    } catch (error) {
      throw new NotReached(error);
    }
  }

  #opened(): Promise<Pool> {
    return (this.#pool ??=
      typeof this.#where === "string" ? ownPool(this.#where) : Promise.resolve(this.#where));
  }
}

/**
 * A connection of the pool, which tells `lost` when it is. From the very moment on at which the pool does not listen any more: what a
 * server says in one breath with that it is ready would end the process otherwise.
 */
function taken(pool: Pool, lost: (error: Error) => void): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (client === undefined) return reject(error ?? new Error("there is no connection"));
      client.on("error", lost);
      resolve(client);
    });
  });
}

async function ownPool(address: string): Promise<Pool> {
  const { Pool: PoolOf } = await library();
  const pool = new PoolOf({
    connectionString: address,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    application_name: "trunkline",
  });
  // One that is idle and lost is taken out of the pool; whoever needs one hears of what is wrong.
  pool.on("error", () => {});
  return pool;
}

async function library(): Promise<typeof Pg> {
  try {
    return (await import("pg")).default;
  } catch (cause) {
    throw systemError("UNIMPLEMENTED", "PostgreSQL needs pg", {
      executed: "no",
      advice: "npm i pg",
      cause,
    });
  }
}

function resultOf({
  rows,
  rowCount,
}: {
  rows: readonly Record<string, unknown>[];
  rowCount: number | null;
}): SqlResult {
  return { rows, changes: rowCount ?? 0 };
}

function addressOf(where: string | Pool): string {
  if (typeof where === "string") {
    const { hostname, port, pathname } = new URL(where);
    return `postgres://${hostname}${port === "" ? "" : `:${port}`}${pathname}`;
  }
  const { connectionString, host, port, database } = where.options;
  if (connectionString !== undefined) return addressOf(connectionString);
  return `postgres://${host ?? "localhost"}${port === undefined ? "" : `:${port}`}/${database ?? ""}`;
}
