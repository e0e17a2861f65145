import { systemError } from "../../base/error.ts";
import type { Dialect } from "../store.ts";
import type { SqlResult, SqlRow } from "./driver.ts";

/** How a store over the user's own query builder is made. */
export interface BridgeOptions {
  /** Whose SQL the builder speaks. Default: as it says itself; to be said for dialects that somebody else has made. */
  readonly dialect?: Dialect;
  /** Where the database is, for messages: never with a password. Default: as far as the builder tells. */
  readonly address?: string;
}

export function dialectOf(
  builder: string,
  { dialect }: BridgeOptions,
  found: Dialect | undefined,
): Dialect {
  const known = dialect ?? found;
  if (known !== undefined) return known;
  throw systemError("INVALID_ARGUMENT", `${builder} does not say which database it speaks with`, {
    executed: "no",
    advice: `say { dialect: "postgres" }, "mysql" or "sqlite"; other databases cannot keep an outbox`,
  });
}

/** Where a database is: what connections are made with goes by these names in most clients. */
export function addressOf(dialect: Dialect, settings: unknown, builder: string): string {
  const { host, port, database, filename } = (settings ?? {}) as Readonly<
    Record<"host" | "port" | "database" | "filename", unknown>
  >;
  if (typeof filename === "string") return `sqlite:${filename}`;
  if (typeof host !== "string") return `${dialect}:${builder}`;
  const where = typeof port === "number" ? `${host}:${port}` : host;
  return `${dialect}://${where}/${typeof database === "string" ? database : ""}`;
}

/** Reads what clients of databases answer; builders hand it on as it is. */
export const resultOf: Readonly<Record<Dialect, (answer: unknown) => SqlResult>> = {
  // A list with a count by postgres.js; else by pg.
  postgres(answer) {
    const { rows, rowCount, count } = answer as {
      readonly rows?: readonly SqlRow[];
      readonly rowCount?: number | null;
      readonly count?: number;
    };
    if (Array.isArray(answer)) return { rows: answer as SqlRow[], changes: count ?? 0 };
    return { rows: rows ?? [], changes: rowCount ?? 0 };
  },
  // By mysql2, with descriptions of the columns behind it.
  mysql(answer) {
    const [first] = answer as [readonly SqlRow[] | { readonly affectedRows: number }];
    return "affectedRows" in first
      ? { rows: [], changes: first.affectedRows }
      : { rows: first, changes: 0 };
  },
  // By better-sqlite3.
  sqlite(answer) {
    if (Array.isArray(answer)) return { rows: answer as SqlRow[], changes: answer.length };
    return { rows: [], changes: (answer as { readonly changes: number }).changes };
  },
};

/** Whether a statement answers with rows: some clients have to be asked in another way then. */
export function givesRows(sql: string): boolean {
  if (/\breturning\b/i.test(sql)) return true;
  return (
    /^\s*(select|values|pragma|show|with)\b/i.test(sql) && !/\b(insert|update|delete)\b/i.test(sql)
  );
}
