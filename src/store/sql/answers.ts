import type { Dialect } from "../store.ts";
import type { SqlResult, SqlRow, SqlValue } from "./driver.ts";

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
    return { rows: [], changes: Number((answer as { readonly changes: number | bigint }).changes) };
  },
};

/** Whether a statement answers with rows: some clients have to be asked in another way then. */
export function givesRows(sql: string): boolean {
  if (/\breturning\b/i.test(sql)) return true;
  return (
    /^\s*(select|values|pragma|show|with)\b/i.test(sql) &&
    !/\b(insert|update|delete)\s/i.test(sql.replace(/for update/i, ""))
  );
}

/** What better-sqlite3 takes: it makes a REAL of a number that has more than 32 bits. */
export function bindable(value: SqlValue): SqlValue {
  return typeof value === "number" && Math.abs(value) > 0x7fffffff ? BigInt(value) : value;
}
