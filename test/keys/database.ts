import type { DatabaseSync } from "node:sqlite";
import type { Connection } from "mysql2/promise";
import type { PoolClient } from "pg";
import type { Store } from "trunkline/store";
import { mysql } from "trunkline/store/mysql";
import { postgres } from "trunkline/store/postgres";
import { sqlite } from "trunkline/store/sqlite";

/** A database of payments. */
export interface Payments {
  readonly store: Store;
  paid(tx: unknown, id: string): Promise<unknown>;
  /** All that was paid, as often as it was. */
  all(): Promise<string[]>;
}

export const table = "CREATE TABLE payment (id VARCHAR(100) NOT NULL)";
const insert = (place: string): string => `INSERT INTO payment (id) VALUES (${place})`;
const select = "SELECT id FROM payment";

interface Row {
  readonly id: string;
}

/** The database at an address. */
export function databaseOf(address: string): Payments {
  const rowsOf = (store: Store, read: (tx: unknown) => Promise<Row[]>) => async () =>
    (await store.transaction(({ native }) => read(native))).map(({ id }) => id);
  if (address.startsWith("postgres:")) {
    const store: Store = postgres(address);
    return {
      store,
      paid: (tx, id) => (tx as PoolClient).query(insert("$1"), [id]),
      all: rowsOf(store, async (tx) => (await (tx as PoolClient).query<Row>(select)).rows),
    };
  }
  if (address.startsWith("mysql:")) {
    const store: Store = mysql(address);
    return {
      store,
      paid: (tx, id) => (tx as Connection).query(insert("?"), [id]),
      all: rowsOf(store, async (tx) => (await (tx as Connection).query(select))[0] as Row[]),
    };
  }
  const store: Store = sqlite(address.slice("sqlite:".length));
  return {
    store,
    paid: (tx, id) => Promise.resolve((tx as DatabaseSync).prepare(insert("?")).run(id)),
    all: rowsOf(store, (tx) =>
      Promise.resolve((tx as DatabaseSync).prepare(select).all() as unknown as Row[]),
    ),
  };
}

/** Runs a statement of its owner's. */
export async function execute({ store }: Payments, sql: string): Promise<void> {
  await store.transaction(async ({ native }) => {
    if (store.dialect === "sqlite") (native as DatabaseSync).exec(sql);
    else await (native as { query(sql: string): Promise<unknown> }).query(sql);
  });
}
