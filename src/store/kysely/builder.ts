import { dialectOf, type BuilderOptions, type Builder } from "../sql/builder.ts";
import type { SqlResult, SqlRow, SqlValue } from "../sql/driver.ts";
import type { Dialect } from "../store.ts";

/** What Kysely calls a database, as far as it is used here. */
export interface KyselyDatabase<Trx> {
  transaction(): TransactionBuilder<Trx>;
}

interface TransactionBuilder<Trx> {
  setIsolationLevel(level: "read committed"): TransactionBuilder<Trx>;
  execute<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
}

/** What both a database and a transaction are able to do. */
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

/** What its `CompiledQuery.raw` makes. */
interface Compiled {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  readonly query: object;
  readonly queryId: { readonly queryId: string };
}

/** Kysely, and its transactions. */
export function kyselyBuilder<Trx>(db: KyselyDatabase<Trx>, options: BuilderOptions): Builder<Trx> {
  const dialect = dialectOf("Kysely", options, spokenBy(executing(db)));
  const run = async (
    native: unknown,
    sql: string,
    values: readonly SqlValue[],
  ): Promise<SqlResult> => execute(executing(native), sql, values);
  return {
    name: "kysely",
    dialect,
    address: options.address ?? `${dialect}:kysely`,
    begin(work) {
      const builder = db.transaction();
      const begun = dialect === "mysql" ? builder.setIsolationLevel("read committed") : builder;
      return begun.execute(work);
    },
    owns(native): native is Trx {
      if (typeof native !== "object" || native === null) return false;
      const { isTransaction, isCommitted, isRolledBack } = executing(native);
      return isTransaction && isCommitted !== true && isRolledBack !== true;
    },
    run,
    read: (sql, values) => run(db, sql, values),
  };
}

/** Without plugins, as those like `CamelCasePlugin` would give our columns other names. */
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

function executing(of: unknown): Executing {
  return of as Executing;
}
