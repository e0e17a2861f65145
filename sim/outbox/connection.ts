import type { SimEnv } from "trunkline/testing";
import { systemError } from "../../src/base/error.ts";
import { Aborted, type ModelDatabase, type ModelTransaction } from "./database.ts";

/** What the ways between a process and the database are like. */
export interface DatabaseWays {
  readonly database: ModelDatabase;
  readonly databaseEnv: SimEnv;
  /** Of one way, in milliseconds. */
  databaseLatency(): number;
  /** The connection is lost on this way. */
  databaseLost(): boolean;
}

/** What a life of a process has of the database: everything takes time, and may be lost, on both ways. */
export class ModelConnection {
  readonly #ways: DatabaseWays;
  readonly #env: SimEnv;

  constructor(ways: DatabaseWays, env: SimEnv) {
    this.#ways = ways;
    this.#env = env;
  }

  /** Does something at the database; in `tx`, which ends with its connection. */
  async ask<T>(
    work: (database: ModelDatabase) => T | Promise<T>,
    tx?: ModelTransaction,
  ): Promise<T> {
    const { database } = this.#ways;
    await this.#pass(this.#ways.databaseEnv);
    if (!database.up || this.#ways.databaseLost()) {
      if (tx !== undefined) database.rollback(tx);
      await this.#pass(this.#env);
      throw lost("no");
    }
    let result: T;
    try {
      result = await work(database);
    } catch (error) {
      await this.#pass(this.#env);
      throw error instanceof Aborted ? told(error) : error;
    }
    await this.#pass(this.#env);
    if (!this.#ways.databaseLost()) return result;
    if (tx !== undefined) database.rollback(tx);
    throw lost("maybe");
  }

  /** A transaction of this connection, as the user's own client begins one. */
  async begin(session: object): Promise<ModelTransaction> {
    let begun: ModelTransaction | undefined;
    try {
      return await this.ask((database) => (begun = database.begin(session)));
    } catch (error) {
      if (begun !== undefined) this.#ways.database.rollback(begun);
      throw error;
    }
  }

  /** Does something in a transaction of its own, which is committed there. */
  alone<T>(work: (database: ModelDatabase, tx: ModelTransaction) => Promise<T>): Promise<T> {
    return this.ask(async (database) => {
      const tx = database.begin(this);
      try {
        const result = await work(database, tx);
        database.commit(tx);
        return result;
      } catch (error) {
        database.rollback(tx);
        throw error;
      }
    });
  }

  #pass(env: SimEnv): Promise<void> {
    return new Promise((resolve) => void env.in(this.#ways.databaseLatency(), resolve));
  }
}

function told({ kind, message }: Aborted): Error {
  return kind === "lost"
    ? lost("no")
    : systemError("UNAVAILABLE", message, { executed: "no", gate: "conflict" });
}

function lost(executed: "no" | "maybe"): Error {
  return systemError("UNAVAILABLE", "the connection to the database is lost", { executed });
}
