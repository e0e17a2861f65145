import {
  isOrdered,
  leaseShares,
  type DeadOutboxRow,
  type Lease,
  type Parking,
  type RowName,
} from "../outbox-rows.ts";
import type { SqlAccess } from "./access.ts";
import { numberOf, textOrUndefined } from "./columns.ts";
import type { SqlRow } from "./driver.ts";
import { heldShares } from "./lease-rows.ts";
import { outboxRowOf, seqsOf, withIds } from "./outbox-row.ts";
import { numbersOf, raw, sql, type Sql } from "./statement.ts";

/** Rows that go back in one statement, at most. */
const redriveRowsMax = 500;

/** What both tables have. */
const shared = raw("id, lane, msg_key, channel, head, data");

const shareOfLane = `lane % ${leaseShares}`;

/** Runs one statement of the transaction. */
type Run = (statement: Sql) => ReturnType<SqlAccess["runNative"]>;

/** The rows of the outbox that were given up. */
export class DeadRows {
  readonly #access: SqlAccess;

  constructor(access: SqlAccess) {
    this.#access = access;
  }

  bury(
    leases: readonly Lease[],
    rows: readonly RowName[],
    reason: string,
    parking: Parking,
  ): Promise<number> {
    const { dialect } = this.#access;
    return this.#access.own(async (native) => {
      const run: Run = (statement) => this.#access.runNative(native, statement);
      // Nobody takes the leases until it is done.
      const { rows: held } = await run(sql`${heldShares(dialect, leases)} ${dialect.forUpdate}`);
      const shares = held.map((row) => numberOf(row["share"]));
      const { rows: found } = await run(
        sql`SELECT seq, lane, msg_key FROM ${dialect.numbered("trunkline_outbox", seqsOf(rows))} ${withIds(dialect, rows)} AND ${dialect.among(shareOfLane, shares)}
          ORDER BY seq ${dialect.forUpdate}`,
      );
      const doomed = parking === "follows" ? await this.#following(run, found) : found;
      if (doomed.length === 0) return 0;
      const seqs = doomed.map((row) => numberOf(row["seq"]));
      await run(
        sql`INSERT INTO trunkline_outbox_dead (seq, ${shared}, not_before, written_at, refusals, dead_at, reason, parking)
          SELECT seq, ${shared}, not_before, written_at, refusals, ${dialect.now}, ${reason}, ${parking} FROM ${dialect.numbered("trunkline_outbox", seqs)}`,
      );
      return (await run(dialect.deleteNumbered("trunkline_outbox", seqs))).changes;
    });
  }

  /**
   * Those whose key is parked, which it stays until this transaction ends: whoever redrives it takes its first row too, and either has it
   * already, and then it is gone when we get it, or waits for us, and looks again.
   */
  async #following(run: Run, rows: readonly SqlRow[]): Promise<readonly SqlRow[]> {
    const byKey = Map.groupBy(rows, (row) => `${numberOf(row["lane"])} ${String(row["msg_key"])}`);
    const following: SqlRow[] = [];
    for (const [, own] of byKey) {
      const { lane, msg_key: key } = own[0]!;
      if (key === null) continue;
      const { rows: parked } = await run(
        sql`SELECT seq FROM trunkline_outbox_dead WHERE lane = ${numberOf(lane)} AND msg_key = ${key as string} AND parking <> 'none'
          ORDER BY seq LIMIT 1 ${this.#access.dialect.forUpdate}`,
      );
      if (parked.length > 0) following.push(...own);
    }
    return following;
  }

  async parkedKeys(shares: readonly number[]): Promise<readonly { lane: number; key: string }[]> {
    const rows = await this.#access.rows(
      sql`SELECT DISTINCT lane, msg_key FROM trunkline_outbox_dead
        WHERE ${this.#access.dialect.among(shareOfLane, shares)} AND parking <> 'none' AND msg_key IS NOT NULL ORDER BY lane, msg_key`,
    );
    return rows.map((row) => ({ lane: numberOf(row["lane"]), key: row["msg_key"] as string }));
  }

  async list(limit: number): Promise<readonly DeadOutboxRow[]> {
    const rows = await this.#access.rows(
      sql`SELECT seq, ${shared}, not_before, written_at, refusals, dead_at, reason, parking FROM trunkline_outbox_dead
        ORDER BY dead_at, seq LIMIT ${raw(numbersOf([limit]))}`,
    );
    return rows.map((row) => ({
      ...outboxRowOf(row),
      deadAt: numberOf(row["dead_at"]),
      reason: textOrUndefined(row["reason"]) ?? "",
      parking: row["parking"] as Parking,
    }));
  }

  redrive(which: { readonly key: string } | { readonly id: string }): Promise<number> {
    const { dialect } = this.#access;
    const these = "key" in which ? sql`msg_key = ${which.key}` : sql`id = ${which.id}`;
    return this.#access.own(async (native) => {
      const run: Run = (statement) => this.#access.runNative(native, statement);
      const { rows } = await run(
        sql`SELECT DISTINCT lane FROM trunkline_outbox_dead WHERE ${these} ORDER BY lane`,
      );
      const lanes = rows.map((row) => numberOf(row["lane"]));
      const lock = dialect.lockLanes(lanes.filter(isOrdered));
      if (lock !== undefined) await run(lock);
      // What follows into the dead rows meanwhile goes back as well: it is looked until there is nothing.
      for (let redriven = 0; ;) {
        const { rows: found } = await run(
          sql`SELECT seq FROM trunkline_outbox_dead WHERE ${these} AND ${dialect.among("lane", lanes)}
            ORDER BY seq LIMIT ${raw(numbersOf([redriveRowsMax]))} ${dialect.forUpdate}`,
        );
        if (found.length === 0) return redriven;
        const seqs = new Set(found.map((row) => numberOf(row["seq"])));
        redriven += await this.#putBack(run, [...seqs], these);
      }
    });
  }

  /** Those of these numbers that are meant: another row may have had one of them, before a failover. */
  async #putBack(run: Run, seqs: readonly number[], these: Sql): Promise<number> {
    const { dialect } = this.#access;
    await run(
      sql`INSERT INTO trunkline_outbox (${shared}, not_before, written_at)
        SELECT ${shared}, 0, ${dialect.now} FROM ${dialect.numbered("trunkline_outbox_dead", seqs)} AND ${these} ORDER BY seq`,
    );
    const gone = dialect.deleteNumbered("trunkline_outbox_dead", seqs);
    return (await run(sql`${gone} AND ${these}`)).changes;
  }
}
