import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Finding } from "../finding.ts";
import type { InboxRows } from "../inbox-rows.ts";
import type { KeyRows } from "../key-rows.ts";
import type { StoreLog } from "../log.ts";
import type { Migration } from "../migration.ts";
import type { OutboxRows } from "../outbox-rows.ts";
import type { Dialect, Listening, Store, StoreCapabilities } from "../store.ts";
import type { Transaction } from "../transaction.ts";
import { SqlAccess } from "./access.ts";
import type { SqlDialect } from "./dialect.ts";
import { dialects } from "./dialects/all.ts";
import type { SqlDriver } from "./driver.ts";
import type { Query } from "./examine/examine.ts";
import { examineMysql } from "./examine/mysql.ts";
import { examinePostgres } from "./examine/postgres.ts";
import { examineSqlite } from "./examine/sqlite.ts";
import { Hints } from "./hints.ts";
import { SqlInboxRows } from "./inbox-rows.ts";
import { SqlKeyRows } from "./key-rows.ts";
import { migrate, migrationsOf } from "./migrations.ts";
import { AdoptedTransaction, OpenTransaction } from "./open-transaction.ts";
import { SqlOutboxRows } from "./outbox-rows.ts";

/** What hints are told on, in databases that tell. */
const hintChannel = "trunkline_outbox";

const examineBy = { postgres: examinePostgres, mysql: examineMysql, sqlite: examineSqlite };

/** A store over a database that is spoken with in SQL by some client library. */
export class SqlStore<Native> implements Store<Native> {
  readonly name: string;
  readonly dialect: Dialect;
  readonly address: string;
  readonly capabilities: StoreCapabilities;
  readonly outbox: OutboxRows;
  readonly inbox: InboxRows;
  readonly keys: KeyRows;
  readonly log: StoreLog | undefined;
  readonly #driver: SqlDriver<Native>;
  readonly #access: SqlAccess<Native>;
  readonly #hints: Hints | undefined;
  /** Transactions of this store that run, by what the client calls them. */
  readonly #open = new Map<Native, OpenTransaction<Native>>();

  constructor(driver: SqlDriver<Native>, env: Env = realEnv(), log?: StoreLog) {
    const dialect: SqlDialect = dialects[driver.dialect];
    const { notify, listen } = driver;
    const access = new SqlAccess(driver, dialect);
    this.#driver = driver;
    this.log = log;
    this.#access = access;
    this.name = driver.name;
    this.dialect = driver.dialect;
    this.address = driver.address;
    this.capabilities = {
      ...capabilitiesOf(driver.dialect),
      hints: notify !== undefined && listen !== undefined,
      tailing: log !== undefined,
    };
    this.outbox = new SqlOutboxRows(access);
    this.inbox = new SqlInboxRows(access);
    this.keys = new SqlKeyRows(access);
    this.#hints =
      notify === undefined ? undefined : new Hints(() => notify.call(driver, hintChannel), env);
  }

  async transaction<T>(work: (tx: Transaction<Native>) => Promise<T>): Promise<T> {
    let open: OpenTransaction<Native> | undefined;
    const result = await this.#access.transaction(async (native) => {
      // A driver that runs it again gives a new one.
      open = new OpenTransaction(native);
      this.#open.set(native, open);
      try {
        const done = await work(open);
        await open.aboutToCommit();
        return done;
      } finally {
        open.end();
        this.#open.delete(native);
      }
    });
    open?.committed();
    return result;
  }

  adopt(native: Native): Transaction<Native> {
    const own = this.#open.get(native);
    if (own !== undefined) return own;
    if (this.#driver.owns(native)) return new AdoptedTransaction(native);
    throw systemError("INVALID_ARGUMENT", `this is no open transaction of ${this.name}`, {
      executed: "no",
      advice: "give what the client gives for a transaction, while that is open",
    });
  }

  migrations(): Promise<readonly Migration[]> {
    return migrationsOf(this.#access);
  }

  migrate(): Promise<readonly Migration[]> {
    return migrate(this.#access);
  }

  hint(): void {
    this.#hints?.hint();
  }

  async listen(heard: () => void): Promise<Listening> {
    const { listen } = this.#driver;
    if (listen === undefined) return { close: () => Promise.resolve() };
    return listen.call(this.#driver, hintChannel, heard);
  }

  examine(): Promise<readonly Finding[]> {
    const query: Query = async (sql, values) => (await this.#driver.query(sql, values)).rows;
    return examineBy[this.dialect](query);
  }

  async close(): Promise<void> {
    this.#hints?.close();
    await this.#driver.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What a database is able to do, whoever speaks with it; some of the clients can more. */
export function capabilitiesOf(dialect: Dialect): StoreCapabilities {
  return {
    concurrent: dialect !== "sqlite",
    hints: false,
    tailing: false,
    bytesMax: dialects[dialect].bytesMax,
  };
}
