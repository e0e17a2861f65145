import type { Dialect } from "../store.ts";
import { dialectOf, type BridgeOptions } from "../sql/bridge.ts";
import type { SqlDriver, SqlFailure, SqlResult, SqlRow, SqlValue } from "../sql/driver.ts";
import { failureIn } from "../sql/failures.ts";

/** What Kysely calls a database, as far as it is used here. */
export interface KyselyDatabase<Trx> {
  transaction(): KyselyTransactionBuilder<Trx>;
}

interface KyselyTransactionBuilder<Trx> {
  execute<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
}

/** What both a database and a transaction can do. */
interface Executing {
  readonly isTransaction: boolean;
  readonly isCommitted?: boolean;
  readonly isRolledBack?: boolean;
  withoutPlugins(): Executing;
  executeQuery(query: Compiled): Promise<{
    readonly rows: readonly SqlRow[];
    readonly numAffectedRows?: bigint;
  }>;
  getExecutor(): { readonly adapter: Adapter };
}

/** Names of classes do not survive a bundler; these do. */
interface Adapter {
  readonly supportsTransactionalDdl: boolean;
  readonly supportsReturning: boolean;
}

interface Compiled {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  readonly query: object;
  readonly queryId: { readonly queryId: string };
}

/** Runs statements by Kysely, in its transactions. */
export class KyselyDriver<Trx> implements SqlDriver<Trx> {
  readonly name = "kysely";
  readonly dialect: Dialect;
  readonly address: string;
  readonly #db: KyselyDatabase<Trx>;

  constructor(db: KyselyDatabase<Trx>, options: BridgeOptions) {
    this.#db = db;
    this.dialect = dialectOf("Kysely", options, spokenBy(asExecuting(db)));
    this.address = options.address ?? `${this.dialect}:kysely`;
  }

  transaction<T>(work: (native: Trx) => Promise<T>): Promise<T> {
    return this.#db.transaction().execute(work);
  }

  owns(native: unknown): native is Trx {
    if (typeof native !== "object" || native === null) return false;
    const { isTransaction, isCommitted, isRolledBack } = native as Partial<Executing>;
    return isTransaction === true && isCommitted !== true && isRolledBack !== true;
  }

  async run(native: Trx, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return execute(asExecuting(native), sql, values);
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return execute(asExecuting(this.#db), sql, values);
  }

  failureOf(error: unknown): SqlFailure {
    return failureIn(this.dialect, error);
  }

  async close(): Promise<void> {
    // What the user has opened stays open.
  }
}

/** Plugins would give our columns other names: of all that CamelCasePlugin changes results the same way. */
async function execute(
  by: Executing,
  sql: string,
  values: readonly SqlValue[],
): Promise<SqlResult> {
  const { rows, numAffectedRows } = await by.withoutPlugins().executeQuery({
    sql,
    parameters: values,
    query: { kind: "RawNode", sqlFragments: [sql], parameters: [] },
    queryId: { queryId: "trunkline" },
  });
  return { rows, changes: Number(numAffectedRows ?? rows.length) };
}

function spokenBy(db: Executing): Dialect | undefined {
  const { supportsTransactionalDdl, supportsReturning } = db.getExecutor().adapter;
  if (supportsReturning) return supportsTransactionalDdl ? "postgres" : "sqlite";
  return supportsTransactionalDdl ? undefined : "mysql";
}

function asExecuting(of: unknown): Executing {
  return of as Executing;
}
