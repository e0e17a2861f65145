import type { OutboxRow, RowName } from "../outbox-rows.ts";
import { bytesOf, numberOf, textOrUndefined } from "./columns.ts";
import type { SqlDialect } from "./dialect.ts";
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

/** These rows, each by its number and its id: after a failover to an older state a number may be another row's. */
export function theseRows(dialect: SqlDialect, rows: readonly RowName[]): Sql {
  const seqs = dialect.among(
    "seq",
    rows.map(({ seq }) => seq),
  );
  const ids = rows.map(({ id }) => sql`${id}`);
  return rows.length === 0 ? seqs : sql`${seqs} AND id IN (${join(ids, ", ")})`;
}
