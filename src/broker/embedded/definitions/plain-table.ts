import type { Json } from "../storage.ts";
import type { FieldValue, Table } from "../terms.ts";
import type { Arguments } from "./document.ts";

/** A field table as RabbitMQ shows it in JSON: instants in seconds, bytes as text, nothing told from its like. */
export function plainTable(table: Table): Arguments {
  const entries = Object.entries(table).map(([name, value]) => [name, plain(value)] as const);
  return Object.fromEntries(entries);
}

function plain(value: FieldValue): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : `${value}`;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (value instanceof Date) return Math.floor(value.getTime() / 1_000);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return (value as readonly FieldValue[]).map(plain);
  return plainTable(value as Table);
}
