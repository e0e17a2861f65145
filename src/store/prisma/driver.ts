import { dialectOf, givesRows, type BridgeOptions } from "../sql/bridge.ts";
import type { SqlDriver, SqlFailure, SqlResult, SqlRow, SqlValue } from "../sql/driver.ts";
import { failureIn } from "../sql/failures.ts";
import type { Dialect } from "../store.ts";

/** What Prisma calls a client, as far as it is used here. */
export interface PrismaClientLike<Tx> {
  $transaction<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

interface TransactionOptions {
  maxWait?: number;
  timeout?: number;
  isolationLevel?: "ReadCommitted";
}

export interface PrismaOptions extends BridgeOptions {
  /**
   * How long a transaction of the store may last, in milliseconds, its handler included: Prisma rolls it back then. Default 60,000, as its
   * own 5,000 are soon over in a handler that waits for others. A deadline that is shorter ends the handler before.
   */
  readonly transactionMs?: number;
}

/** How long Prisma may wait for a connection, in milliseconds. */
const connectionWithinMs = 10_000;

/** What both a client and a transaction can do. */
interface Raw {
  /** Only transactions are without it. */
  readonly $connect?: unknown;
  readonly _activeProvider?: string;
  $queryRawUnsafe(sql: string, ...values: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  $executeRawUnsafe(sql: string, ...values: readonly SqlValue[]): Promise<number>;
}

/** Runs statements by Prisma, in its interactive transactions. */
export class PrismaDriver<Tx> implements SqlDriver<Tx> {
  readonly name = "prisma";
  readonly dialect: Dialect;
  readonly address: string;
  readonly #client: PrismaClientLike<Tx>;
  readonly #transaction: TransactionOptions;

  constructor(client: PrismaClientLike<Tx>, options: PrismaOptions) {
    this.#client = client;
    this.dialect = dialectOf("Prisma", options, providers[raw(client)._activeProvider ?? ""]);
    this.address = options.address ?? `${this.dialect}:prisma`;
    this.#transaction = {
      maxWait: connectionWithinMs,
      timeout: options.transactionMs ?? 60_000,
      ...(this.dialect === "mysql" && { isolationLevel: "ReadCommitted" }),
    };
  }

  transaction<T>(work: (native: Tx) => Promise<T>): Promise<T> {
    return this.#client.$transaction(work, this.#transaction);
  }

  owns(native: unknown): native is Tx {
    if (typeof native !== "object" || native === null) return false;
    const { $queryRawUnsafe, $connect } = raw(native);
    return typeof $queryRawUnsafe === "function" && $connect === undefined;
  }

  run(native: Tx, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return execute(raw(native), sql, values);
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    // Prisma's adapter has one connection to SQLite, and runs there whatever comes, in the middle of somebody's transaction too.
    if (this.dialect === "sqlite") return this.transaction((tx) => this.run(tx, sql, values));
    return execute(raw(this.#client), sql, values);
  }

  failureOf(error: unknown): SqlFailure {
    const failure = failureIn(this.dialect, error);
    if (failure !== "other") return failure;
    return codes[String((error as { readonly code?: unknown } | null)?.code)] ?? "other";
  }

  async close(): Promise<void> {
    // What the user has opened stays open.
  }
}

const providers: Readonly<Record<string, Dialect>> = {
  postgresql: "postgres",
  mysql: "mysql",
  sqlite: "sqlite",
};

/** Prisma's own codes; see its reference of error messages. */
const codes: Readonly<Record<string, SqlFailure>> = {
  P1001: "lost", // cannot be reached
  P1002: "lost", // cannot be reached in time
  P1008: "lost", // took too long
  P1017: "lost", // closed the connection
  P2024: "lost", // no connection of the pool was free in time
  P2028: "conflict", // the transaction took too long to begin, or to end, and was rolled back
  P2034: "conflict", // deadlock or serialization failure
  P1010: "denied",
  P2021: "missing",
};

async function execute(by: Raw, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
  if (!givesRows(sql)) return { rows: [], changes: await by.$executeRawUnsafe(sql, ...values) };
  const rows = await by.$queryRawUnsafe(sql, ...values);
  return { rows, changes: rows.length };
}

function raw(of: unknown): Raw {
  return of as Raw;
}
