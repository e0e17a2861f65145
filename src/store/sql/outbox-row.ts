import type { OutboxRow, RowName } from "../outbox-rows.ts";
import { bytesOf, numberOf, textOrUndefined } from "./columns.ts";
import type { SqlRow } from "./driver.ts";
import { join, sql, type Sql } from "./statement.ts";

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
export function withIds(rows: readonly RowName[]): Sql {
  const ids = rows.map(({ id }) => sql`${id}`);
  return rows.length === 0 ? sql`` : sql`AND id IN (${join(ids, ", ")})`;
}

export function seqsOf(rows: readonly RowName[]): number[] {
  return rows.map(({ seq }) => seq);
}
