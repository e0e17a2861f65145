import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { bindable } from "../sql/answers.ts";
import type { SqlResult, SqlRow, SqlValue } from "../sql/driver.ts";

/** A connection, as both clients have it. */
export interface SqliteConnection {
  exec(sql: string): unknown;
  close(): unknown;
}

/** A client of SQLite: `node:sqlite` and better-sqlite3 do the same by different names. */
export interface SqliteClient<Connection extends SqliteConnection> {
  readonly name: string;
  /** The file; undefined: it is not in one. */
  readonly path: string | undefined;
  /** The user's own connection, to a database that is not in a file. */
  readonly only: Connection | undefined;
  /** Opens a connection that waits for nobody by itself. */
  open(readOnly: boolean): Connection;
  owns(native: unknown): native is Connection;
  inTransaction(connection: Connection): boolean;
  prepare(connection: Connection, sql: string): Prepared;
}

/** A statement that is prepared. */
export type Prepared = (values: readonly SqlValue[]) => SqlResult;

export function nodeSqlite(where: string | DatabaseSync): SqliteClient<DatabaseSync> {
  const location = typeof where === "string" ? where : where.location();
  const path = pathOf(location);
  return {
    name: "node:sqlite",
    path,
    only: path === undefined && typeof where !== "string" ? where : undefined,
    open: (readOnly) => new DatabaseSync(path ?? ":memory:", { timeout: 0, readOnly }),
    owns: (native) => native instanceof DatabaseSync,
    inTransaction: (connection) => connection.isOpen && connection.isTransaction,
    prepare(connection, sql) {
      const statement = connection.prepare(sql);
      if (statement.columns().length > 0) return (values) => gave(statement.all(...values));
      return (values) => ({ rows: [], changes: Number(statement.run(...values).changes) });
    },
  };
}

/** What better-sqlite3 calls a database, as far as it is used here. */
export interface BetterSqlite3 extends SqliteConnection {
  readonly name: string;
  readonly memory: boolean;
  readonly open: boolean;
  readonly inTransaction: boolean;
  prepare(sql: string): object;
}

interface BetterStatement {
  readonly reader: boolean;
  all(...values: readonly SqlValue[]): SqlRow[];
  run(...values: readonly SqlValue[]): { readonly changes: number };
}

/** By the class of the user's own database, so that nothing has to be imported. */
export function betterSqlite3<Database extends BetterSqlite3>(
  given: Database,
): SqliteClient<Database> {
  const { constructor } = given as unknown as {
    readonly constructor: new (path: string, options: object) => Database;
  };
  const path = given.memory ? undefined : pathOf(given.name);
  return {
    name: "better-sqlite3",
    path,
    only: path === undefined ? given : undefined,
    open: (readonly) => new constructor(path ?? ":memory:", { timeout: 0, readonly }),
    owns: (native): native is Database => native instanceof constructor,
    inTransaction: (connection) => connection.inTransaction,
    prepare(connection, sql) {
      const statement = connection.prepare(sql) as BetterStatement;
      if (statement.reader) return (values) => gave(statement.all(...values.map(bindable)));
      return (values) => ({ rows: [], changes: statement.run(...values.map(bindable)).changes });
    },
  };
}

/** Whether it is a database of better-sqlite3. */
export function isBetterSqlite3(where: object): where is BetterSqlite3 {
  return "inTransaction" in where;
}

function pathOf(location: string | null): string | undefined {
  const inMemory = location === null || location === "" || location === ":memory:";
  return inMemory ? undefined : resolve(location);
}

function gave(rows: readonly SqlRow[]): SqlResult {
  return { rows, changes: rows.length };
}
