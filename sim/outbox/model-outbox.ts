import {
  isOrdered,
  leaseShares,
  shareOf,
  type DeadOutboxRow,
  type Kept,
  type Lease,
  type NewOutboxRow,
  type OutboxRow,
  type OutboxRows,
  type OutboxStatus,
  type Parking,
  type RowName,
} from "../../src/store/outbox-rows.ts";
import type { Transaction } from "../../src/store/transaction.ts";
import type { ModelDatabase } from "./database.ts";
import type { ModelConnection } from "./connection.ts";
import { nativeOf } from "./native.ts";

interface LeaseRow {
  readonly relay: string | undefined;
  readonly token: number;
}

/** The outbox of the model database. Rows are immutable: what changes is written anew. */
export class ModelOutbox implements OutboxRows {
  readonly #connection: ModelConnection;

  constructor(connection: ModelConnection) {
    this.#connection = connection;
  }

  lock(tx: Transaction, lanes: readonly number[]): Promise<void> {
    return this.#connection.ask(async (db) => {
      for (const lane of lanes) await db.lock(nativeOf(tx), `lane ${lane}`);
    }, nativeOf(tx));
  }

  insert(tx: Transaction, rows: readonly NewOutboxRow[]): Promise<void> {
    return this.#connection.ask((db) => {
      for (const row of rows) {
        const seq = db.draw("outbox");
        const written: OutboxRow = { ...row, seq, writtenAt: db.now, refusals: 0 };
        db.set("outbox", String(seq), written, nativeOf(tx));
      }
    }, nativeOf(tx));
  }

  count(tx: Transaction, sequence: string, by: number): Promise<number> {
    return this.#connection.ask((db) => {
      const last = ((db.get("sequence", sequence, nativeOf(tx)) as number | undefined) ?? 0) + by;
      db.set("sequence", sequence, last, nativeOf(tx));
      return last;
    }, nativeOf(tx));
  }

  keep(relay: string, leaseMs: number, giveBack: readonly number[]): Promise<Kept> {
    return this.#connection.ask((db) => {
      db.set("relay", relay, db.now + leaseMs);
      for (const [name, until] of db.rows("relay") as [string, number][])
        if (until <= db.now) db.set("relay", name, undefined);
      const living = new Set((db.rows("relay") as [string, number][]).map(([name]) => name));
      const fair = Math.ceil(leaseShares / living.size);
      const leases: Lease[] = [];
      const free: number[] = [];
      for (let share = 0; share < leaseShares; share++) {
        const row = db.get("lease", String(share)) as LeaseRow | undefined;
        if (row?.relay === relay && giveBack.includes(share))
          db.set("lease", String(share), { relay: undefined, token: row.token });
        else if (row?.relay === relay) leases.push({ share, token: row.token });
        else if (row?.relay === undefined || !living.has(row.relay)) free.push(share);
      }
      for (const share of free.slice(0, Math.max(0, fair - leases.length))) {
        const token = ((db.get("lease", String(share)) as LeaseRow | undefined)?.token ?? 0) + 1;
        db.set("lease", String(share), { relay, token });
        leases.push({ share, token });
      }
      return { relays: living.size, leases };
    });
  }

  leave(relay: string): Promise<void> {
    return this.#connection.ask((db) => db.set("relay", relay, undefined));
  }

  read(shares: readonly number[], except: readonly number[], limit: number): Promise<OutboxRow[]> {
    return this.#connection.ask((db) => {
      const due = allOf(db).filter(
        ({ lane, notBefore }) =>
          shares.includes(shareOf(lane)) &&
          !except.includes(lane) &&
          (notBefore === undefined || notBefore <= db.now),
      );
      return due.toSorted((a, b) => a.seq - b.seq).slice(0, limit);
    });
  }

  remove(leases: readonly Lease[], rows: readonly RowName[]): Promise<number> {
    return this.#connection.ask((db) => {
      const found = rows.flatMap((row) => heldRow(db, leases, row) ?? []);
      for (const { seq } of found) db.set("outbox", String(seq), undefined);
      return found.length;
    });
  }

  refused(leases: readonly Lease[], name: RowName): Promise<number> {
    return this.#connection.ask((db) => {
      const row = heldRow(db, leases, name);
      if (row === undefined) return 0;
      db.set("outbox", String(row.seq), { ...row, refusals: row.refusals + 1 });
      return row.refusals + 1;
    });
  }

  bury(
    leases: readonly Lease[],
    rows: readonly RowName[],
    reason: string,
    parking: Parking,
  ): Promise<number> {
    return this.#connection.ask((db) => {
      const parked = new Set(deadOf(db).filter(parks).map(placeOf));
      const found = rows
        .flatMap((row) => heldRow(db, leases, row) ?? [])
        .filter((row) => parking !== "follows" || parked.has(placeOf(row)));
      for (const row of found) {
        const dead: DeadOutboxRow = { ...row, deadAt: db.now, reason, parking };
        db.set("outbox", String(row.seq), undefined);
        db.set("dead", `${row.seq} ${row.id}`, dead);
      }
      return found.length;
    });
  }

  parkedKeys(shares: readonly number[]): Promise<readonly { lane: number; key: string }[]> {
    return this.#connection.ask((db) =>
      deadOf(db)
        .filter((row) => parks(row) && shares.includes(shareOf(row.lane)))
        .map(({ lane, key }) => ({ lane, key: key! })),
    );
  }

  dead(limit: number): Promise<readonly DeadOutboxRow[]> {
    return this.#connection.ask((db) => deadOf(db).slice(0, limit));
  }

  redrive(which: { readonly key: string } | { readonly id: string }): Promise<number> {
    return this.#connection.alone(async (db, tx) => {
      const wanted = deadOf(db).filter((row) =>
        "key" in which ? row.key === which.key : row.id === which.id,
      );
      const lanes = new Set(wanted.map(({ lane }) => lane).filter(isOrdered));
      for (const lane of [...lanes].toSorted((a, b) => a - b)) await db.lock(tx, `lane ${lane}`);
      // Somebody else may have redriven them while the lanes were waited for.
      const rows = wanted.filter(({ seq, id }) => db.get("dead", `${seq} ${id}`) !== undefined);
      for (const { deadAt: _at, reason: _why, parking: _how, ...row } of rows) {
        const seq = db.draw("outbox");
        db.set("dead", `${row.seq} ${row.id}`, undefined, tx);
        db.set("outbox", String(seq), { ...row, seq, refusals: 0 }, tx);
      }
      return rows.length;
    });
  }

  oldestMs(): Promise<number> {
    return this.#connection.ask((db) => oldestOf(db, allOf(db)));
  }

  status(lanes: number): Promise<OutboxStatus> {
    return this.#connection.ask((db) => {
      const rows = allOf(db);
      const byLane = [...Map.groupBy(rows, ({ lane }) => lane)].map(([lane, of]) => ({
        lane,
        pending: of.length,
        oldestMs: oldestOf(db, of),
        refusals: Math.max(...of.map(({ refusals }) => refusals)),
      }));
      const relays = (db.rows("relay") as [string, number][]).filter(([, until]) => until > db.now);
      const living = new Set(relays.map(([name]) => name));
      const leased = (db.rows("lease") as [string, LeaseRow][]).filter(([, { relay }]) =>
        living.has(relay ?? ""),
      );
      return {
        pending: rows.length,
        oldestMs: oldestOf(db, rows),
        dead: deadOf(db).length,
        relays: living.size,
        unleased: leaseShares - leased.length,
        lanes: byLane.toSorted((a, b) => b.oldestMs - a.oldestMs).slice(0, lanes),
      };
    });
  }
}

function allOf(db: ModelDatabase): OutboxRow[] {
  return (db.rows("outbox") as [string, OutboxRow][]).map(([, row]) => row);
}

function deadOf(db: ModelDatabase): DeadOutboxRow[] {
  const rows = (db.rows("dead") as [string, DeadOutboxRow][]).map(([, row]) => row);
  return rows.toSorted((a, b) => a.seq - b.seq);
}

/** The very row, if a relay with these leases may settle it. */
function heldRow(
  db: ModelDatabase,
  leases: readonly Lease[],
  { seq, id }: RowName,
): OutboxRow | undefined {
  const row = db.get("outbox", String(seq)) as OutboxRow | undefined;
  if (row === undefined || row.id !== id) return undefined;
  const share = shareOf(row.lane);
  const token = (db.get("lease", String(share)) as LeaseRow | undefined)?.token;
  return leases.some((each) => each.share === share && each.token === token) ? row : undefined;
}

function parks({ parking, key }: DeadOutboxRow): boolean {
  return parking !== "none" && key !== undefined;
}

function placeOf({ lane, key }: OutboxRow): string {
  return `${lane} ${key}`;
}

function oldestOf(db: ModelDatabase, rows: readonly OutboxRow[]): number {
  const due = rows.filter(({ notBefore }) => notBefore === undefined || notBefore <= db.now);
  return due.reduce((most, { writtenAt }) => Math.max(most, db.now - writtenAt), 0);
}
