import { sleep } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import { systemError } from "../../../base/error.ts";
import type { KeyRows, KnownKey } from "../../../store/key-rows.ts";
import type { Store, StoreCapabilities } from "../../../store/store.ts";
import type { Transaction } from "../../../store/transaction.ts";
import { OpenTransaction } from "../../../store/sql/open-transaction.ts";

interface KeyRow {
  readonly input: string;
  readonly owner: string | undefined;
  ending?: string;
  bytes?: Uint8Array | undefined;
  changedAt: number;
}

/** What is written in a transaction. */
export interface ModelTransaction {
  /** Effects of handlers, in their order: there when it is committed. */
  readonly effects: string[];
  readonly keys: Map<string, KeyRow>;
}

/** What goes wrong next, once. `lost` after the commit, `undone` instead of it: neither says so. */
export type Fault = "begin" | "claim" | "conflict" | "lost" | "undone";

/** A database of keys and effects in memory, shared by all stores that are made over it. Its clock is that of its env. */
export class ModelDatabase {
  readonly env: Env;
  readonly keys: Map<string, KeyRow> = new Map();
  readonly owners: Map<string, number> = new Map();
  /** All that was committed. */
  readonly effects: string[] = [];
  /** Keys that open transactions have. */
  readonly held: Set<string> = new Set();
  readonly faults: Fault[] = [];
  /** Transactions that are open. */
  open = 0;

  constructor(env: Env) {
    this.env = env;
  }

  /** The next fault, if it is this one. */
  fails(fault: Fault): boolean {
    if (this.faults[0] !== fault) return false;
    this.faults.shift();
    return true;
  }

  /** What a process has of it. */
  store(): Store<ModelTransaction> {
    return new ModelStore(this) as unknown as Store<ModelTransaction>;
  }
}

/** Every statement takes so long. */
const statementMs = 1;

class ModelStore implements Pick<Store<ModelTransaction>, "transaction" | "keys"> {
  readonly name = "model";
  readonly dialect = "sqlite";
  readonly address = "model:";
  readonly capabilities: StoreCapabilities = {
    concurrent: true,
    hints: false,
    tailing: false,
    bytesMax: 1_000_000,
  };
  readonly keys: KeyRows;
  readonly #database: ModelDatabase;

  constructor(database: ModelDatabase) {
    this.#database = database;
    this.keys = new ModelKeys(database);
  }

  migrations(): Promise<never[]> {
    return Promise.resolve([]);
  }

  async transaction<T>(work: (tx: Transaction<ModelTransaction>) => Promise<T>): Promise<T> {
    const database = this.#database;
    const native: ModelTransaction = { effects: [], keys: new Map() };
    const open = new OpenTransaction(native);
    await sleep(database.env, statementMs);
    if (database.fails("begin")) throw lost("no");
    database.open++;
    try {
      const result = await work(open);
      await open.aboutToCommit();
      await sleep(database.env, statementMs);
      if (database.fails("conflict")) throw lost("no");
      if (database.fails("undone")) throw lost("maybe");
      for (const [key, row] of native.keys) database.keys.set(key, row);
      database.effects.push(...native.effects);
      if (database.fails("lost")) throw lost("maybe");
      open.committed();
      return result;
    } finally {
      database.open--;
      for (const key of native.keys.keys()) database.held.delete(key);
    }
  }
}

class ModelKeys implements KeyRows {
  readonly #database: ModelDatabase;

  constructor(database: ModelDatabase) {
    this.#database = database;
  }

  async alive(owner: string, leaseMs: number): Promise<void> {
    await this.#statement();
    this.#database.owners.set(owner, this.#now + leaseMs);
  }

  async claim(key: string, input: string, owner: string): Promise<KnownKey | undefined> {
    await this.#statement();
    const { keys } = this.#database;
    const known = this.#known(keys.get(key));
    if (known === undefined) keys.set(key, { input, owner, changedAt: this.#now });
    return known;
  }

  async claimIn(
    tx: Transaction,
    key: string,
    input: string,
  ): Promise<KnownKey | "busy" | undefined> {
    await this.#statement();
    const { keys, held } = this.#database;
    if (this.#database.fails("claim")) throw lost("no");
    const known = this.#known(keys.get(key));
    if (known !== undefined) return known;
    if (held.has(key)) return "busy";
    held.add(key);
    const row = { input, owner: undefined, changedAt: this.#now };
    (tx.native as ModelTransaction).keys.set(key, row);
    return undefined;
  }

  async keep(
    key: string,
    ending: string,
    bytes: Uint8Array | undefined,
    tx?: Transaction,
  ): Promise<void> {
    await this.#statement();
    const rows = tx === undefined ? this.#database.keys : (tx.native as ModelTransaction).keys;
    const row = rows.get(key);
    if (row !== undefined) Object.assign(row, { ending, bytes, changedAt: this.#now });
  }

  async forget(key: string): Promise<void> {
    await this.#statement();
    if (this.#database.keys.get(key)?.ending === undefined) this.#database.keys.delete(key);
  }

  async purge(olderThanMs: number, limit: number): Promise<number> {
    await this.#statement();
    const { keys } = this.#database;
    const old = [...keys]
      .filter(([, row]) => row.ending !== undefined || this.#known(row)!.orphaned)
      .filter(([, row]) => row.changedAt < this.#now - olderThanMs)
      .slice(0, limit);
    for (const [key] of old) keys.delete(key);
    return old.length;
  }

  get #now(): number {
    return this.#database.env.wall();
  }

  #statement(): Promise<void> {
    return sleep(this.#database.env, statementMs);
  }

  #known(row: KeyRow | undefined): KnownKey | undefined {
    if (row === undefined) return undefined;
    const { input, ending, bytes, owner } = row;
    const living = owner !== undefined && (this.#database.owners.get(owner) ?? 0) > this.#now;
    return { input, ending, bytes, orphaned: ending === undefined && !living };
  }
}

function lost(executed: "no" | "maybe"): Error {
  return systemError("UNAVAILABLE", "the database of the model is lost", { executed });
}
