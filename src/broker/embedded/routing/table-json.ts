import { instant } from "../../../base/timestamp.ts";
import type { Json } from "../storage.ts";
import type { FieldValue, Table } from "../terms.ts";

/** A field table as plain data, in which every value can be told from every other; `tableOf` reads it. */
export function jsonOfTable(table: Table): Json {
  const entries = Object.entries(table)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => [name, jsonOf(value)] as const);
  const json = Object.fromEntries(entries);
  // A name that begins with the mark could be taken for one of ours.
  return entries.some(([name]) => name.startsWith(mark)) ? { $table: json } : json;
}

/** What `jsonOfTable` wrote. */
export function tableOf(json: Json): Table {
  return valueOf(json) as Table;
}

const mark = "$";

/** One value of a table. */
export function jsonOf(value: FieldValue): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return { $bigint: `${value}` };
  if (typeof value === "number") return Number.isFinite(value) ? value : { $number: `${value}` };
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (value instanceof Date) return { $date: value.getTime() };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return (value as readonly FieldValue[]).map(jsonOf);
  return jsonOfTable(value as Table);
}

function valueOf(json: Json): FieldValue {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return (json as readonly Json[]).map(valueOf);
  const { $bigint, $number, $date, $bytes, $table } = json as Record<string, Json | undefined>;
  if (typeof $bigint === "string") return BigInt($bigint);
  if (typeof $number === "string") return Number($number);
  if (typeof $date === "number") return instant($date);
  if (typeof $bytes === "string") return Buffer.from($bytes, "base64");
  const entries = Object.entries($table ?? json) as [string, Json][];
  return Object.fromEntries(entries.map(([name, each]) => [name, valueOf(each)]));
}
