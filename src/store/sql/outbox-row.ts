import type { OutboxRow, RowName } from "../outbox-rows.ts";
import { bytesOf, numberOf, textOrUndefined } from "./columns.ts";
import type { SqlDialect } from "./dialect.ts";
import type { SqlRow } from "./driver.ts";
import { join, raw, sql, type Sql } from "./statement.ts";

export function outboxRowOf(row: SqlRow): OutboxRow {
  const notBefore = numberOf(row["not_before"]);
  return {
    seq: numberOf(row["seq"]),
    id: row["id"] as string,
    lane: numberOf(row["lane"]),
    key: textOrUndefined(row["msg_key"]),
    channel: row["channel"] as string,
    head: row["head"] as string,
    data: bytesOf(row["data"]),
    notBefore: notBefore === 0 ? undefined : notBefore,
    writtenAt: numberOf(row["written_at"]),
    refusals: numberOf(row["refusals"]),
  };
}

/** What stands behind the numbers of rows: each has its id too, as after a failover to an older state a number may be another row's. */
export function withIds(dialect: SqlDialect, rows: readonly RowName[]): Sql {
  if (rows.length === 0) return sql``;
  const ids = rows.map(({ id }) => id);
  return sql`AND ${dialect.amongTexts?.("id", ids) ?? among("id", ids)}`;
}

function among(column: string, texts: readonly string[]): Sql {
  return sql`${raw(column)} IN (${join(
    texts.map((text) => sql`${text}`),
    ", ",
  )})`;
}

export function seqsOf(rows: readonly RowName[]): number[] {
  return rows.map(({ seq }) => seq);
}
