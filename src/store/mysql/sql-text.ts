import type { SqlValue } from "../sql/driver.ts";

/**
 * A statement with its values in it, in a form that means the same in every SQL mode: with `NO_BACKSLASH_ESCAPES` what the client
 * escapes by backslashes would be something else. Statements are not prepared: lists of different lengths would each be one, for each
 * connection, and a server has room for 16,382 in all.
 */
export function sqlText(sql: string, values: readonly SqlValue[]): string {
  if (values.length === 0) return sql;
  const parts = sql.split("?");
  let text = parts[0]!;
  for (let index = 1; index < parts.length; index++)
    text += literalOf(values[index - 1]!) + parts[index]!;
  return text;
}

function literalOf(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return textLiteral(value);
  if (typeof value === "object") return `X'${hexOf(value)}'`;
  return String(value);
}

function textLiteral(value: string): string {
  if (value.includes("\\")) return `_utf8mb4 X'${Buffer.from(value).toString("hex")}'`;
  return `'${value.replaceAll("'", "''")}'`;
}

function hexOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
}
