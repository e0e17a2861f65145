import { systemError } from "../../base/error.ts";
import {
  isOrdered,
  leaseShares,
  orderedLanes,
  unorderedLanes,
  type DeadOutboxRow,
  type Kept,
  type Lease,
  type NewOutboxRow,
  type OutboxRow,
  type OutboxRows,
  type OutboxStatus,
  type Parking,
  type RowName,
} from "../outbox-rows.ts";
import type { Transaction } from "../transaction.ts";
import type { SqlAccess } from "./access.ts";
import { numberOf } from "./columns.ts";
import { DeadRows } from "./dead-rows.ts";
import { LeaseRows, underLeases } from "./lease-rows.ts";
import { outboxColumns, type OutboxValues } from "./dialect.ts";
import { outboxRowOf, seqsOf, withIds } from "./outbox-row.ts";
import { join, numbersOf, raw, sql, type Sql } from "./statement.ts";

/** One INSERT has at most so many rows, and about so many bytes: what a server takes in one packet by default. */
const insertRowsMax = 500;
const insertBytesMax = 4 * 1024 * 1024;

/** At least so many are read of each lane. */
const perLaneMin = 4;

/** Since a row can be published: what was delayed has not waited before. */
const dueSince = raw("CASE WHEN not_before > written_at THEN not_before ELSE written_at END");
const notDelayed = raw("not_before = 0");

const allShares = Array.from({ length: leaseShares }, (_, share) => share);

export class SqlOutboxRows implements OutboxRows {
  readonly #access: SqlAccess;
  readonly #leases: LeaseRows;
  readonly #dead: DeadRows;
  /** Read of one lane at once: few when all lanes are full, many when one is. It only says what is quick. */
  #perLane = Infinity;

  constructor(access: SqlAccess) {
    this.#access = access;
    this.#leases = new LeaseRows(access);
    this.#dead = new DeadRows(access);
  }

  async lock(tx: Transaction, lanes: readonly number[]): Promise<void> {
    const lock = this.#access.dialect.lockLanes(lanes);
    if (lock === undefined || lanes.length === 0) return;
    const { rows } = await this.#access.run(tx, lock);
    const { lanesAreRows = false } = this.#access.dialect;
    if (lanesAreRows && rows.length < lanes.length) throw withoutLane();
  }

  async insert(tx: Transaction, rows: readonly NewOutboxRow[]): Promise<void> {
    for (const some of portionsOf(rows))
      await this.#access.runLast(tx, this.#insertion(some), some.at(-1) === rows.at(-1));
  }

  async append(tx: Transaction, rows: readonly NewOutboxRow[]): Promise<void> {
    const lanes = [...new Set(rows.map(({ lane }) => lane))]
      .filter(isOrdered)
      .toSorted((a, b) => a - b);
    const { append, lanesAreRows = false } = this.#access.dialect;
    const portions = [...portionsOf(rows)];
    const [first] = portions;
    const whole = portions.length === 1 ? append?.(lanes, first!.map(valuesOf)) : undefined;
    if (whole === undefined) {
      await this.lock(tx, lanes);
      return this.insert(tx, rows);
    }
    const result = await this.#access.runLast(tx, whole, true);
    if (lanesAreRows && result !== undefined && result.changes < rows.length) throw withoutLane();
  }

  async count(tx: Transaction, sequence: string, by: number): Promise<number> {
    const { dialect } = this.#access;
    const count = sql`INSERT INTO trunkline_outbox_sequence (id, last) VALUES (${sequence}, ${by})
      ${dialect.onConflict("id")} last = trunkline_outbox_sequence.last + ${by}`;
    if (dialect.returning) {
      const { rows } = await this.#access.run(tx, sql`${count} RETURNING last`);
      return numberOf(rows[0]!["last"]);
    }
    await this.#access.run(tx, count);
    const these = sql`SELECT last FROM trunkline_outbox_sequence WHERE id = ${sequence} ${dialect.forUpdate}`;
    const { rows } = await this.#access.run(tx, these);
    return numberOf(rows[0]!["last"]);
  }

  #insertion(rows: readonly NewOutboxRow[]): Sql {
    const { now } = this.#access.dialect;
    const values = rows
      .map(valuesOf)
      .map(
        ({ id, lane, key, channel, head, data, notBefore }) =>
          sql`(${id}, ${lane}, ${key}, ${channel}, ${head}, ${data}, ${notBefore}, ${now})`,
      );
    return sql`INSERT INTO trunkline_outbox (${outboxColumns}) VALUES ${join(values, ", ")}`;
  }

  keep(relay: string, leaseMs: number, giveBack: readonly number[]): Promise<Kept> {
    return this.#leases.keep(relay, leaseMs, giveBack);
  }

  leave(relay: string): Promise<void> {
    return this.#leases.leave(relay);
  }

  async read(
    shares: readonly number[],
    except: readonly number[],
    limit: number,
  ): Promise<OutboxRow[]> {
    const perLane = Math.min(limit, this.#perLane);
    const lanes = shares.flatMap(lanesOf).filter((lane) => !except.includes(lane));
    const { dialect } = this.#access;
    const firsts = await this.#firsts(lanes, perLane);
    if (firsts === undefined) return [];
    const rows = await this.#access.rows(
      sql`SELECT o.seq, o.id, o.lane, o.msg_key, o.channel, o.head, o.data, o.not_before, o.written_at, o.refusals
        FROM (SELECT seq FROM (${firsts}) AS candidates ORDER BY place, seq LIMIT ${raw(numbersOf([limit]))}) AS chosen
        ${dialect.joinInOrder} trunkline_outbox o ON o.seq = chosen.seq ORDER BY chosen.seq`,
    );
    const read = rows.map(outboxRowOf);
    this.#adapt(read, perLane, limit);
    return read;
  }

  #adapt(read: readonly OutboxRow[], perLane: number, limit: number): void {
    const counts = new Map<number, number>();
    for (const { lane } of read) counts.set(lane, (counts.get(lane) ?? 0) + 1);
    if (read.length >= limit)
      this.#perLane = Math.max(perLaneMin, Math.ceil((2 * limit) / counts.size));
    else if (Math.max(...counts.values()) >= perLane) this.#perLane = perLane * 4;
  }

  /** Of each lane its first rows, as many as `perLane`; only what has no order may be delayed. */
  async #firsts(all: readonly number[], perLane: number): Promise<Sql | undefined> {
    const { dialect } = this.#access;
    const lanes = await this.#occupied(all);
    if (lanes.length === 0) return undefined;
    const delayable = lanes.filter((lane) => !isOrdered(lane));
    const due = sql`not_before > 0 AND not_before <= ${dialect.now}`;
    const firsts = [dialect.firstOf(lanes, notDelayed, "seq", perLane)];
    if (delayable.length > 0) firsts.push(dialect.firstOf(delayable, due, "not_before", perLane));
    return join(firsts, " UNION ALL ");
  }

  async #occupied(lanes: readonly number[]): Promise<readonly number[]> {
    const { occupied } = this.#access.dialect;
    if (occupied === undefined || lanes.length === 0) return lanes;
    const rows = await this.#access.rows(occupied(lanes));
    return rows.map((row) => numberOf(row["lane"]));
  }

  async remove(leases: readonly Lease[], rows: readonly RowName[]): Promise<number> {
    const { dialect } = this.#access;
    const these =
      dialect.deleteNamed?.(rows) ??
      sql`${dialect.deleteNumbered("trunkline_outbox", seqsOf(rows))} ${withIds(dialect, rows)}`;
    const { changes } = await this.#access.query(sql`${these} AND ${underLeases(dialect, leases)}`);
    return changes;
  }

  refused(leases: readonly Lease[], row: RowName): Promise<number> {
    const { dialect } = this.#access;
    const these = sql`seq = ${row.seq} AND id = ${row.id}`;
    return this.#access.own(async (native) => {
      const { changes } = await this.#access.runNative(
        native,
        sql`UPDATE trunkline_outbox SET refusals = refusals + 1 WHERE ${these} AND ${underLeases(dialect, leases)}`,
      );
      if (changes === 0) return 0;
      const { rows } = await this.#access.runNative(
        native,
        sql`SELECT refusals FROM trunkline_outbox WHERE ${these}`,
      );
      return numberOf(rows[0]!["refusals"]);
    });
  }

  bury(
    leases: readonly Lease[],
    rows: readonly RowName[],
    reason: string,
    parking: Parking,
  ): Promise<number> {
    return this.#dead.bury(leases, rows, reason, parking);
  }

  parkedKeys(shares: readonly number[]): Promise<readonly { lane: number; key: string }[]> {
    return this.#dead.parkedKeys(shares);
  }

  dead(limit: number): Promise<readonly DeadOutboxRow[]> {
    return this.#dead.list(limit);
  }

  redrive(which: { readonly key: string } | { readonly id: string }): Promise<number> {
    return this.#dead.redrive(which);
  }

  async oldestMs(): Promise<number> {
    const { dialect } = this.#access;
    const firsts = await this.#firsts(allShares.flatMap(lanesOf), 1);
    if (firsts === undefined) return 0;
    const [row] = await this.#access.rows(
      sql`SELECT ${dialect.now} - MIN(${dueSince}) AS ms FROM (${firsts}) AS candidates ${dialect.joinInOrder} trunkline_outbox o ON o.seq = candidates.seq`,
    );
    return ageOf(row?.["ms"]);
  }

  async tidy(): Promise<void> {
    const { tidy } = this.#access.dialect;
    if (tidy !== undefined)
      await this.#access.own((native) => this.#access.runNative(native, tidy));
  }

  async status(lanes: number): Promise<OutboxStatus> {
    const access = this.#access;
    const { now } = access.dialect;
    const [all] = await access.rows(
      sql`SELECT COUNT(*) AS pending, ${now} - MIN(CASE WHEN not_before <= ${now} THEN ${dueSince} END) AS ms,
        (SELECT COUNT(*) FROM trunkline_outbox_dead) AS dead FROM trunkline_outbox`,
    );
    const perLane = await access.rows(
      sql`SELECT lane, COUNT(*) AS pending, ${now} - MIN(written_at) AS ms, MAX(refusals) AS refusals
        FROM trunkline_outbox GROUP BY lane ORDER BY MIN(written_at), lane LIMIT ${raw(numbersOf([lanes]))}`,
    );
    const { relays, unleased } = await this.#leases.status();
    return {
      pending: numberOf(all!["pending"]),
      oldestMs: ageOf(all!["ms"]),
      dead: numberOf(all!["dead"]),
      relays,
      unleased,
      lanes: perLane.map((row) => ({
        lane: numberOf(row["lane"]),
        pending: numberOf(row["pending"]),
        oldestMs: ageOf(row["ms"]),
        refusals: numberOf(row["refusals"]),
      })),
    };
  }
}

function lanesOf(share: number): number[] {
  const lanes: number[] = [];
  for (let lane = share; lane < orderedLanes + unorderedLanes; lane += leaseShares)
    lanes.push(lane);
  return lanes;
}

/** Where lanes are rows, and somebody has taken them out: without the lock there is no order, and one statement writes nothing at all. */
function withoutLane(): Error {
  return systemError("INTERNAL", "trunkline_outbox_lane has no row for a lane", {
    executed: "no",
    advice: "put them back: there is one for each number from 0 to 255",
  });
}

function valuesOf({ notBefore, key, ...row }: NewOutboxRow): OutboxValues {
  const due = notBefore === undefined ? 0 : Math.max(1, Math.ceil(notBefore));
  return { ...row, key: key ?? null, notBefore: due };
}

function ageOf(ms: unknown): number {
  return ms === null || ms === undefined ? 0 : Math.max(0, numberOf(ms));
}

function* portionsOf(rows: readonly NewOutboxRow[]): Iterable<readonly NewOutboxRow[]> {
  let portion: NewOutboxRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    const own = row.data.byteLength + row.head.length + row.channel.length;
    if (portion.length > 0 && (portion.length >= insertRowsMax || bytes + own > insertBytesMax)) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(row);
    bytes += own;
  }
  if (portion.length > 0) yield portion;
}
