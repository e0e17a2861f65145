import { createPool } from "mysql2/promise";
import { Pool, type PoolClient } from "pg";
import { systemError } from "../../src/base/error.ts";
import type { Store } from "../../src/store/store.ts";

/** Connections of one process. */
const connections = 16;

/** The database as a process of its user has it: by a client of the user's own, which the store is made of. */
export interface Database extends AsyncDisposable {
  readonly store: Store;
  /** Runs `work` in a transaction that the client begins and commits. Undefined where it has one at a time anyway. */
  readonly own: (<T>(work: (native: unknown) => Promise<T>) => Promise<T>) | undefined;
}

interface Connection {
  query(sql: string): Promise<unknown>;
  /** Gives it back; what is broken is closed. */
  end(broken: boolean): void;
}

export async function databaseAt(address: string): Promise<Database> {
  if (address.startsWith("sqlite:")) {
    const { sqlite } = await import("../../src/store/sqlite/index.ts");
    const store = sqlite(address.slice("sqlite:".length));
    return { store, own: undefined, [Symbol.asyncDispose]: () => store.close() };
  }
  if (address.startsWith("mysql:")) {
    const { mysql } = await import("../../src/store/mysql/index.ts");
    const pool = createPool({ uri: address, connectionLimit: connections });
    const store = mysql(pool);
    return {
      store,
      own: (work) =>
        transaction(async () => {
          const native = await pool.getConnection();
          const end = (broken: boolean): void => (broken ? native.destroy() : native.release());
          return { native, connection: { query: (sql) => native.query(sql), end } };
        }, work),
      async [Symbol.asyncDispose]() {
        await store.close();
        await pool.end();
      },
    };
  }
  const { postgres } = await import("../../src/store/postgres/index.ts");
  const pool = new Pool({ connectionString: address, max: connections });
  // What is lost while nobody uses it is opened again.
  pool.on("error", () => {});
  const store = postgres(pool);
  return {
    store,
    own: (work) =>
      transaction(async () => {
        const lost = (): void => {};
        // At once: a server may say in one breath that it is ready, and that it ends.
        const native = await new Promise<PoolClient>((resolve, reject) => {
          pool.connect((error, client) => {
            client?.on("error", lost);
            if (client === undefined) reject(error ?? new Error("there is no connection"));
            else resolve(client);
          });
        });
        const end = (broken: boolean): void => {
          native.off("error", lost);
          native.release(broken);
        };
        return { native, connection: { query: (sql) => native.query(sql), end } };
      }, work),
    async [Symbol.asyncDispose]() {
      await store.close();
      await pool.end();
    },
  };
}

/** As a user writes it: what is known of its end is told by an error of Trunkline's, with `executed`. */
async function transaction<T>(
  connect: () => Promise<{ readonly native: unknown; readonly connection: Connection }>,
  work: (native: unknown) => Promise<T>,
): Promise<T> {
  let committing = false;
  let broken = true;
  let connection: Connection | undefined;
  try {
    const opened = await connect();
    connection = opened.connection;
    await connection.query("begin");
    const result = await work(opened.native).catch(async (error: unknown) => {
      await connection!.query("rollback");
      broken = false;
      throw error;
    });
    committing = true;
    await connection.query("commit");
    broken = false;
    return result;
  } catch (error) {
    if (!broken) throw error;
    throw systemError("UNAVAILABLE", "the database was lost", {
      executed: committing ? "maybe" : "no",
      cause: error,
    });
  } finally {
    connection?.end(broken);
  }
}
