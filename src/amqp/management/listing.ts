import type { Json } from "../../broker/embedded/storage.ts";
import { Failed } from "./asked.ts";

type Row = { readonly [name: string]: Json };

/** Rows of one page; more are not given at once to who asks for pages. */
const pageRowsMax = 500;
const pageRowsDefault = 100;

/** A list as it was asked for: `sort`, `sort_reverse`, `columns`, `name`, `use_regex` left out, `page`, `page_size`. */
export function listed(rows: readonly Json[], query: URLSearchParams): Json {
  const all = sorted(rows as readonly Row[], query);
  const columns = query.get("columns");
  const shown = (list: readonly Row[]): readonly Json[] =>
    columns === null ? list : list.map((row) => chosen(row, columns.split(",")));
  const page = whole(query, "page");
  if (page === undefined) return shown(all);
  const size = Math.min(whole(query, "page_size") ?? pageRowsDefault, pageRowsMax);
  const name = query.get("name") ?? "";
  const filtered = name === "" ? all : all.filter((row) => text(row["name"]).includes(name));
  const pages = Math.max(1, Math.ceil(filtered.length / size));
  if (page > pages)
    throw new Failed(400, "page_out_of_range", `page out of range, page: ${page}, pages: ${pages}`);
  const items = shown(filtered.slice((page - 1) * size, page * size));
  return {
    ...{ filtered_count: filtered.length, item_count: items.length, items },
    ...{ page, page_count: pages, page_size: size, total_count: all.length },
  };
}

/** Those columns of a row, `owner_pid_details.name` too. */
export function chosen(row: Row, columns: readonly string[]): Row {
  const picked: Record<string, Json> = {};
  for (const column of columns) {
    const value = valueAt(row, column);
    if (value === undefined) continue;
    const [first = "", ...rest] = column.split(".");
    const nested = rest.reduceRight<Json>((inner, name) => ({ [name]: inner }), value);
    const there = picked[first];
    picked[first] = rest.length > 0 && isRow(there) ? { ...there, ...(nested as Row) } : nested;
  }
  return picked;
}

function sorted(rows: readonly Row[], query: URLSearchParams): readonly Row[] {
  const by = query.get("sort");
  if (by === null || by === "") return rows;
  const sign = query.get("sort_reverse") === "true" ? -1 : 1;
  return rows.toSorted((a, b) => sign * compared(valueAt(a, by), valueAt(b, by)));
}

function compared(a: Json | undefined, b: Json | undefined): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [text(a), text(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

function valueAt(row: Row, column: string): Json | undefined {
  let value: Json | undefined = row;
  for (const name of column.split(".")) {
    if (!isRow(value)) return undefined;
    value = value[name];
  }
  return value;
}

function isRow(value: Json | undefined): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function whole(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new Failed(400, "bad_request", `'${name}' should be a whole number from 1`);
}
