import type { KeyRows, KnownKey } from "../../src/store/key-rows.ts";
import type { Transaction } from "../../src/store/transaction.ts";
import type { ModelConnection } from "./connection.ts";
import type { ModelDatabase, ModelTransaction } from "./database.ts";
import { nativeOf } from "./native.ts";

interface KeyRow {
  readonly input: string;
  readonly owner: string | undefined;
  readonly ending: string | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly at: number;
}

/** The remembered keys of the model database. */
export class ModelKeys implements KeyRows {
  readonly #connection: ModelConnection;

  constructor(connection: ModelConnection) {
    this.#connection = connection;
  }

  alive(owner: string, leaseMs: number): Promise<void> {
    return this.#connection.ask((db) => db.set("owner", owner, db.now + leaseMs));
  }

  claim(key: string, input: string, owner: string): Promise<KnownKey | undefined> {
    return this.#connection.alone((db, tx) => claim(db, tx, key, input, owner));
  }

  claimIn(tx: Transaction, key: string, input: string): Promise<KnownKey | "busy" | undefined> {
    const native = nativeOf(tx);
    return this.#connection.ask<KnownKey | "busy" | undefined>(
      (db) =>
        db.heldByOthers(native, lockOf(key)) ? "busy" : claim(db, native, key, input, undefined),
      native,
    );
  }

  async keep(
    key: string,
    ending: string,
    bytes: Uint8Array | undefined,
    tx?: Transaction,
  ): Promise<void> {
    const native = tx === undefined ? undefined : nativeOf(tx);
    await this.#connection.ask((db) => {
      const row = db.get("key", key, native) as KeyRow | undefined;
      const kept = { input: row?.input ?? "", owner: row?.owner, ending, bytes, at: db.now };
      db.set("key", key, kept satisfies KeyRow, native);
    }, native);
  }

  forget(key: string): Promise<void> {
    return this.#connection.ask((db) => db.set("key", key, undefined));
  }

  purge(olderThanMs: number, limit: number): Promise<number> {
    return this.#connection.ask((db) => {
      const old = (db.rows("key") as [string, KeyRow][])
        .filter(
          ([, row]) =>
            db.now - row.at > olderThanMs && (row.ending !== undefined || orphaned(db, row)),
        )
        .slice(0, limit);
      for (const [key] of old) db.set("key", key, undefined);
      return old.length;
    });
  }
}

async function claim(
  db: ModelDatabase,
  tx: ModelTransaction,
  key: string,
  input: string,
  owner: string | undefined,
): Promise<KnownKey | undefined> {
  await db.lock(tx, lockOf(key));
  const row = db.get("key", key, tx) as KeyRow | undefined;
  if (row !== undefined)
    return {
      input: row.input,
      ending: row.ending,
      bytes: row.bytes,
      orphaned: row.ending === undefined && orphaned(db, row),
    };
  const begun: KeyRow = { input, owner, ending: undefined, bytes: undefined, at: db.now };
  db.set("key", key, begun, tx);
  return undefined;
}

function lockOf(key: string): string {
  return `key ${key}`;
}

function orphaned(db: ModelDatabase, { owner }: KeyRow): boolean {
  return owner === undefined || ((db.get("owner", owner) as number | undefined) ?? 0) <= db.now;
}
