import { givesRows } from "../sql/answers.ts";
import { dialectOf, type BuilderOptions, type Builder } from "../sql/builder.ts";
import type { SqlFailure, SqlResult, SqlRow, SqlValue } from "../sql/driver.ts";
import { NotReached } from "../sql/not-reached.ts";
import type { Dialect } from "../store.ts";

/** What Prisma calls a client, as far as it is used here. */
export interface PrismaDatabase<Tx> {
  $transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

/** The same with its options, whose type is another one for each database. */
interface WithOptions<Tx> {
  $transaction<T>(work: (tx: Tx) => Promise<T>, options: TransactionOptions): Promise<T>;
}

interface TransactionOptions {
  readonly maxWait: number;
  readonly timeout: number;
  readonly isolationLevel?: "ReadCommitted";
}

/** How a store over Prisma is made. */
export interface PrismaOptions extends BuilderOptions {
  /**
   * How long a transaction of the store may last, in milliseconds, its handler included: Prisma rolls it back then. Default 60,000, as its
   * own 5,000 are soon over in a handler that waits for others.
   */
  readonly transactionMs?: number;
}

/** How long Prisma may wait for a connection, in milliseconds. */
const connectionWithinMs = 30_000;

/** What both a client and a transaction are able to do. */
interface Raw {
  /** A transaction has none. */
  readonly $connect?: unknown;
  readonly _activeProvider?: string;
  $queryRawUnsafe(sql: string, ...values: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  $executeRawUnsafe(sql: string, ...values: readonly SqlValue[]): Promise<number>;
}

const dialects: Readonly<Record<string, Dialect>> = {
  postgresql: "postgres",
  mysql: "mysql",
  sqlite: "sqlite",
};

/** Prisma, and its interactive transactions. */
export function prismaBuilder<Tx>(client: PrismaDatabase<Tx>, options: PrismaOptions): Builder<Tx> {
  const { _activeProvider: provider = "" } = raw(client);
  const dialect = dialectOf("Prisma", options, dialects[provider]);
  const terms: TransactionOptions = {
    maxWait: connectionWithinMs,
    timeout: options.transactionMs ?? 60_000,
    ...(dialect === "mysql" && { isolationLevel: "ReadCommitted" }),
  };
  const begin = <T>(work: (tx: Tx) => Promise<T>): Promise<T> =>
    (client as WithOptions<Tx>).$transaction(work, terms);
  return {
    name: "prisma",
    dialect,
    address: options.address ?? `${dialect}:prisma`,
    begin,
    owns(native): native is Tx {
      if (typeof native !== "object" || native === null) return false;
      const { $queryRawUnsafe, $connect } = raw(native);
      return typeof $queryRawUnsafe === "function" && $connect === undefined;
    },
    run: (native, sql, values) => execute(raw(native), sql, values),
    read: async (sql, values) => {
      // Its adapters have one connection to SQLite, and run there whatever comes, in the middle of somebody's transaction too.
      if (dialect === "sqlite") return begin((tx) => execute(raw(tx), sql, values));
      try {
        return await execute(raw(client), sql, values);
      } catch (error) {
        throw kindOf(error) === "DatabaseNotReachable" ? new NotReached(error) : error;
      }
    },
    failureOf: (error) => codes[codeOf(error)] ?? kinds[kindOf(error)] ?? "other",
  };
}

/** Prisma's own codes, where it says no more. */
const codes: Readonly<Record<string, SqlFailure>> = {
  P1001: "lost", // cannot be reached
  P1002: "lost", // cannot be reached in time
  P1008: "lost", // took too long
  P1017: "lost", // closed the connection
  P2024: "lost", // no connection of the pool was free in time
  P2028: "conflict", // the transaction took too long, and was rolled back
  P2034: "conflict", // deadlock or serialization failure
  P1010: "denied",
  P2021: "missing",
};

/** What its adapters say where the database has said nothing. */
const kinds: Readonly<Record<string, SqlFailure>> = {
  ConnectionClosed: "lost",
  DatabaseNotReachable: "lost",
  SocketTimeout: "lost",
};

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | null)?.code);
}

function kindOf(error: unknown): string {
  const { meta } = (error ?? {}) as {
    readonly meta?: {
      readonly driverAdapterError?: { readonly cause?: { readonly kind?: string } };
    };
  };
  return meta?.driverAdapterError?.cause?.kind ?? "";
}

async function execute(by: Raw, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
  if (!givesRows(sql)) return { rows: [], changes: await by.$executeRawUnsafe(sql, ...values) };
  const rows = await by.$queryRawUnsafe(sql, ...values);
  return { rows, changes: rows.length };
}

function raw(of: unknown): Raw {
  return of as Raw;
}
