import type { DatabaseSync, StatementSync } from "node:sqlite";

/** What is known of a lane beside its messages. */
export interface LaneEntry {
  readonly lane: number;
  next: number;
  count: number;
  held: number;
  bytes: number;
  delivered: number;
  compact: boolean;
  /** Of `count`: those that do not outlive the process. */
  transient: number;
  touched: boolean;
}

/** The counters of all lanes: kept in memory, and written once for each lane that a batch touched. */
export class LaneBook {
  readonly #lanes = new Map<number, LaneEntry>();
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  #touched: LaneEntry[] = [];

  constructor(db: DatabaseSync) {
    this.#put = db.prepare(
      `INSERT INTO lane VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(lane) DO UPDATE SET next = excluded.next, count = excluded.count,
         held = excluded.held, bytes = excluded.bytes, delivered = excluded.delivered, compact = excluded.compact, transient = excluded.transient`,
    );
    this.#drop = db.prepare("DELETE FROM lane WHERE lane = ?");
    for (const row of db.prepare("SELECT * FROM lane").all())
      this.#lanes.set(Number(row["lane"]), {
        lane: Number(row["lane"]),
        next: Number(row["next"]),
        count: Number(row["count"]),
        held: Number(row["held"]),
        bytes: Number(row["bytes"]),
        delivered: Number(row["delivered"]),
        compact: row["compact"] === 1,
        transient: 0,
        touched: false,
      });
  }

  /** The entry of a lane, to be changed and written. */
  touch(lane: number): LaneEntry {
    let entry = this.#lanes.get(lane);
    if (entry === undefined) {
      const nothing = { next: 0, count: 0, held: 0, bytes: 0, delivered: 0, transient: 0 };
      entry = { lane, ...nothing, compact: false, touched: false };
      this.#lanes.set(lane, entry);
    }
    if (!entry.touched) {
      entry.touched = true;
      this.#touched.push(entry);
    }
    return entry;
  }

  look(lane: number): LaneEntry | undefined {
    return this.#lanes.get(lane);
  }

  forget(lane: number): void {
    this.#lanes.delete(lane);
    this.#drop.get(lane);
  }

  /** Writes what was touched. */
  write(): void {
    for (const entry of this.#touched) {
      entry.touched = false;
      if (this.#lanes.get(entry.lane) !== entry) continue;
      const { lane, next, count, held, bytes, delivered, compact, transient } = entry;
      this.#put.get(lane, next, count, held, bytes, delivered, compact ? 1 : 0, transient);
    }
    this.#touched.length = 0;
  }

  lanes(): readonly number[] {
    return [...this.#lanes.keys()];
  }

  compact(): number[] {
    return [...this.#lanes.values()].filter(({ compact }) => compact).map(({ lane }) => lane);
  }
}
