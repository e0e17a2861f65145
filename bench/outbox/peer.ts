import { Pool, type PoolClient } from "pg";

/** What every message carries: an order of some 200 bytes. */
export interface Order {
  /** The ordering key, where there is one. */
  readonly id: string;
  readonly number: number;
  readonly item: string;
  readonly note: string;
}

/** A multiple of all numbers of connections: so each key is one publisher's, who knows its order. */
export const keys = 960;

export function orderOf(number: number): Order {
  return {
    id: `customer-${number % keys}`,
    number,
    item: "kettle, 1.7 litres, brushed steel",
    note: "leave it with the neighbour, second floor, the door on the left; ring twice, the bell is quiet",
  };
}

/** Somebody who carries messages from transactions to handlers by the same database. */
export interface Peer {
  /** A transaction with one row for a table of the user's, and the message of it. */
  transact(order: Order): Promise<void>;
  /** Rows in the user's table, and messages in those of the peer. */
  count(): Promise<{ readonly rows: number; readonly kept: number }>;
  /** Forgets all rows and messages. */
  clear(): Promise<void>;
  /** Begins to consume; gives what ends that. */
  consume(heard: (order: Order) => void): Promise<() => Promise<void>>;
  /** How long one look for messages takes that finds at most `limit`, in milliseconds; undefined where that cannot be asked alone. */
  claim?(limit: number): Promise<number>;
}

/** Made in a process of its own, for an empty database. */
export type PeerMaker = (address: string) => Promise<Peer>;

/** The user's own part of each transaction. */
export const userTable = "bench_orders";

/** Transactions at once, at most. */
const connectionsMax = 64;

const insertText = `INSERT INTO ${userTable} (number, item, note) VALUES ($1, $2, $3)`;

export async function insertOrder(
  client: PoolClient,
  { number, item, note }: Order,
): Promise<void> {
  await client.query(insertText, [number, item, note]);
}

/** PostgreSQL as users of `pg` use it. */
export class Database {
  readonly pool: Pool;
  readonly #tables: readonly string[];

  private constructor(pool: Pool, tables: readonly string[]) {
    this.pool = pool;
    this.#tables = tables;
  }

  /** `tables`: the one where messages lie, if there is one, and others of the peer. */
  static async open(address: string, ...tables: readonly string[]): Promise<Database> {
    const pool = new Pool({ connectionString: address, max: connectionsMax });
    pool.on("error", () => {});
    await pool.query(
      `CREATE TABLE ${userTable} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number int NOT NULL, item text NOT NULL, note text NOT NULL)`,
    );
    return new Database(pool, tables);
  }

  async transaction(work: (client: PoolClient) => Promise<unknown>): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query("BEGIN");
      await work(client);
      await client.query("COMMIT");
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async count(): Promise<{ rows: number; kept: number }> {
    const [messages] = this.#tables;
    const kept = messages === undefined ? "0" : `(SELECT count(*) FROM ${messages})`;
    const { rows } = await this.pool.query<{ rows: string; kept: string }>(
      `SELECT (SELECT count(*) FROM ${userTable}) AS rows, ${kept} AS kept`,
    );
    return { rows: Number(rows[0]!.rows), kept: Number(rows[0]!.kept) };
  }

  async clear(): Promise<void> {
    await this.pool.query(`TRUNCATE ${[userTable, ...this.#tables].join(", ")}`);
  }
}
