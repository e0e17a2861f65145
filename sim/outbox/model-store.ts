import type { SimEnv } from "trunkline/testing";
import type { Migration } from "../../src/store/migration.ts";
import { AdoptedTransaction, OpenTransaction } from "../../src/store/sql/open-transaction.ts";
import type { Listening, Store, StoreCapabilities } from "../../src/store/store.ts";
import type { Transaction } from "../../src/store/transaction.ts";
import { ModelConnection, type DatabaseWays } from "./connection.ts";
import type { ModelTransaction } from "./database.ts";
import { ModelInbox } from "./model-inbox.ts";
import { ModelKeys } from "./model-keys.ts";
import { ModelOutbox } from "./model-outbox.ts";

/** The store that one life of a process has of the model database. */
export class ModelStore implements Store<ModelTransaction> {
  readonly name = "model";
  readonly dialect = "postgres";
  readonly address = "model:database";
  readonly capabilities: StoreCapabilities = {
    concurrent: true,
    hints: false,
    tailing: false,
    bytesMax: 1_000_000,
  };
  readonly outbox: ModelOutbox;
  readonly inbox: ModelInbox;
  readonly keys: ModelKeys;
  readonly connection: ModelConnection;
  readonly #open = new WeakMap<ModelTransaction, OpenTransaction<ModelTransaction>>();

  constructor(ways: DatabaseWays, env: SimEnv) {
    this.connection = new ModelConnection(ways, env);
    this.outbox = new ModelOutbox(this.connection);
    this.inbox = new ModelInbox(this.connection);
    this.keys = new ModelKeys(this.connection);
  }

  async transaction<T>(work: (tx: Transaction<ModelTransaction>) => Promise<T>): Promise<T> {
    const native = await this.begin();
    const tx = new OpenTransaction(native);
    this.#open.set(native, tx);
    let result: T;
    try {
      result = await work(tx);
      await tx.aboutToCommit();
    } catch (error) {
      await this.rollback(native).catch(() => {});
      throw error;
    }
    await this.commit(native);
    tx.committed();
    return result;
  }

  /** As the user's own client begins one. */
  begin(): Promise<ModelTransaction> {
    return this.connection.begin(this);
  }

  /** An answer that is lost says nothing of whether it was committed. */
  commit(native: ModelTransaction): Promise<void> {
    return this.connection.ask((db) => db.commit(native), native);
  }

  rollback(native: ModelTransaction): Promise<void> {
    return this.connection.ask((db) => db.rollback(native), native);
  }

  adopt(native: ModelTransaction): Transaction<ModelTransaction> {
    return this.#open.get(native) ?? new AdoptedTransaction(native);
  }

  migrations(): Promise<readonly Migration[]> {
    return Promise.resolve([]);
  }

  migrate(): Promise<readonly Migration[]> {
    return Promise.resolve([]);
  }

  hint(): void {}

  listen(): Promise<Listening> {
    return Promise.resolve({ close: () => Promise.resolve() });
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
