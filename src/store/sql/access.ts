import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Transaction } from "../transaction.ts";
import type { SqlDialect } from "./dialect.ts";
import type { SqlDriver, SqlResult, SqlRow } from "./driver.ts";
import { isDialling, reasonOf } from "./failures.ts";
import { NotReached } from "./not-reached.ts";
import { OpenTransaction } from "./open-transaction.ts";
import { textOf, type Sql } from "./statement.ts";

/** How often a transaction of our own is run when it comes into conflict with others, at most. */
const conflictTriesMax = 3;

/** Where a transaction was when it failed: before anything was done in it, in its work, or in its commit. */
type Phase = "beginning" | "working" | "ending";

/** Runs statements by a driver, and says of what fails what it means. */
export class SqlAccess<Native = unknown> {
  readonly dialect: SqlDialect;
  readonly #driver: SqlDriver<Native>;
  readonly #triesMax: number;

  constructor(driver: SqlDriver<Native>, dialect: SqlDialect) {
    this.#driver = driver;
    this.dialect = dialect;
    // There a conflict is the end of a long wait for the one who writes, and not of a race.
    this.#triesMax = dialect.dialect === "sqlite" ? 1 : conflictTriesMax;
  }

  /** One statement within the transaction. */
  async run(tx: Transaction, statement: Sql): Promise<SqlResult> {
    if (tx instanceof OpenTransaction) tx.check();
    return this.runNative(tx.native as Native, statement);
  }

  /**
   * One that is the last of the transaction if `last`, where that is known: then it may be committed with it, and resolves with undefined.
   */
  async runLast(tx: Transaction, statement: Sql, last: boolean): Promise<SqlResult | undefined> {
    const { commitWith } = this.#driver;
    if (!last || commitWith === undefined || !(tx instanceof OpenTransaction && tx.closing))
      return this.run(tx, statement);
    tx.check();
    const text = textOf(statement, this.dialect.placeholder);
    try {
      await commitWith.call(this.#driver, tx.native as Native, text, statement.values);
      return undefined;
    } catch (error) {
      // A check that the user has put off until the commit fails here: that is told as it is.
      throw this.#driver.failureOf(error) === "other" ? error : this.#ofStatement(error, "maybe");
    }
  }

  async runNative(native: Native, statement: Sql): Promise<SqlResult> {
    const text = textOf(statement, this.dialect.placeholder);
    try {
      return await this.#driver.run(native, text, statement.values);
    } catch (error) {
      throw this.#ofStatement(error, "no");
    }
  }

  /** One statement by itself. */
  async query(statement: Sql): Promise<SqlResult> {
    const text = textOf(statement, this.dialect.placeholder);
    for (let tries = 1; ; tries++) {
      try {
        return await this.#driver.query(text, statement.values);
      } catch (error) {
        if (tries < this.#triesMax && this.#driver.failureOf(error) === "conflict") continue;
        throw this.#ofStatement(error, "maybe");
      }
    }
  }

  /** The rows of one SELECT. */
  async rows(statement: Sql): Promise<readonly SqlRow[]> {
    return (await this.query(statement)).rows;
  }

  /** A transaction of our own: nothing but statements, so that it may be run again. */
  async own<T>(work: (native: Native) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.transaction(work);
      } catch (error) {
        if (tries < this.#triesMax && isTrunklineError(error) && error.gate === "conflict")
          continue;
        throw error;
      }
    }
  }

  /** A transaction with somebody's work in it, whose own errors pass through as they are. */
  async transaction<T>(work: (native: Native) => Promise<T>): Promise<T> {
    let phase: Phase = "beginning";
    try {
      return await this.#driver.transaction(async (native) => {
        phase = "working";
        const result = await work(native);
        phase = "ending";
        return result;
      });
    } catch (error) {
      throw this.#ofTransaction(error, phase);
    }
  }

  #ofTransaction(error: unknown, phase: Phase): unknown {
    if (isTrunklineError(error)) return error;
    const failure = this.#driver.failureOf(error);
    if (failure === "conflict") return this.#conflict(error);
    if (phase === "beginning")
      return failure === "denied" ? this.#denied(error) : this.#notReached(error);
    // The connection of a transaction that runs was made long ago: who cannot dial is somebody else's client.
    if (failure === "lost" && !unreached(error))
      return this.#unavailable("was lost", phase === "ending" ? "maybe" : "no", error);
    return error;
  }

  #ofStatement(error: unknown, lost: "no" | "maybe"): unknown {
    if (isTrunklineError(error)) return error;
    const failure = this.#driver.failureOf(error);
    if (unreached(error) && failure !== "denied") return this.#notReached(error);
    switch (failure) {
      case "conflict":
        return this.#conflict(error);
      case "lost":
        return this.#unavailable("was lost", lost, error);
      case "denied":
        return this.#denied(error);
      case "missing":
        return systemError(
          "INVALID_ARGUMENT",
          `the tables of Trunkline are not in ${this.#driver.address}`,
          {
            executed: "no",
            advice: `run trunkline store migrate ${this.#driver.address}, or await store.migrate()`,
            cause: error,
          },
        );
      case "other":
        return systemError("INTERNAL", `${this.#driver.address} has refused: ${reasonOf(error)}`, {
          executed: "no",
          cause: error,
        });
    }
  }

  /** Whether it says that a table is not there. */
  isMissing(error: unknown): boolean {
    return isTrunklineError(error) && this.#driver.failureOf(error.cause) === "missing";
  }

  #conflict(cause: unknown): TrunklineError {
    return systemError("UNAVAILABLE", `in conflict with others in ${this.#driver.address}`, {
      executed: "no",
      gate: "conflict",
      advice: "run the transaction again",
      cause,
    });
  }

  #notReached(cause: unknown): TrunklineError {
    return this.#unavailable("cannot be reached", "no", cause);
  }

  #unavailable(what: string, executed: "no" | "maybe", cause: unknown): TrunklineError {
    const { address } = this.#driver;
    return systemError("UNAVAILABLE", `${address} ${what}: ${reasonOf(cause)}`, {
      executed,
      cause,
    });
  }

  #denied(cause: unknown): TrunklineError {
    const { address, dialect } = this.#driver;
    const page = dialect === "mysql" ? "docs/stores-mysql.md" : "docs/stores.md";
    return systemError("PERMISSION_DENIED", `${address} does not permit it: ${reasonOf(cause)}`, {
      executed: "no",
      advice: `${page} lists what a user of the database has to be granted`,
      cause,
    });
  }
}

function unreached(error: unknown): boolean {
  return error instanceof NotReached || isDialling(error);
}
