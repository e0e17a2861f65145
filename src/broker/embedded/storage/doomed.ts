import type { DatabaseSync, StatementSync } from "node:sqlite";

interface Range {
  readonly lane: number;
  readonly from: number;
  readonly to: number;
}

/** SQL: a message is gone, although its row is still there. */
export const isDoomed =
  "EXISTS (SELECT 1 FROM doomed WHERE message.id BETWEEN doomed.first AND doomed.last)";

/** What is taken away in one go, in rows and in bytes: it takes about as long as a batch does. */
const pieceRows = 4_000;
const pieceBytes = 4 * 1_048_576;

/**
 * Ranges of lanes whose messages are gone, and whose rows are taken away bit by bit when there is time: a queue of millions is purged in no
 * time, and nobody waits for it.
 */
export class Doomed {
  readonly #byLane = new Map<number, Range[]>();
  readonly #add: StatementSync;
  readonly #forget: StatementSync;
  readonly #sizes: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeChunks: StatementSync;

  constructor(db: DatabaseSync) {
    const ids = "id >= ((?1 << 43) | ?2) AND id <= ((?1 << 43) | ?3)";
    this.#add = db.prepare(
      "INSERT OR REPLACE INTO doomed VALUES((?1 << 43) | ?2, (?1 << 43) | ?3)",
    );
    this.#forget = db.prepare("DELETE FROM doomed WHERE first = ((?1 << 43) | ?2)");
    this.#sizes = db.prepare(
      `SELECT id & 0x7ffffffffff AS seq, size FROM message WHERE ${ids} ORDER BY id LIMIT ${pieceRows}`,
    );
    this.#remove = db.prepare(`DELETE FROM message WHERE ${ids}`);
    this.#removeChunks = db.prepare(`DELETE FROM chunk WHERE ${ids}`);
    const rows = db.prepare(
      "SELECT first >> 43 AS lane, first & 0x7ffffffffff AS first, last & 0x7ffffffffff AS last FROM doomed ORDER BY doomed.first",
    );
    for (const { lane, first, last } of rows.all())
      this.#keep({ lane: Number(lane), from: Number(first), to: Number(last) });
  }

  get none(): boolean {
    return this.#byLane.size === 0;
  }

  add(lane: number, from: number, to: number): void {
    this.#add.get(lane, from, to);
    this.#keep({ lane, from, to });
  }

  has(lane: number, seq: number): boolean {
    if (this.none) return false;
    return this.#byLane.get(lane)?.some(({ from, to }) => from <= seq && seq <= to) === true;
  }

  /** Whether something of a lane from a place on is doomed. */
  reaches(lane: number, seq: number): boolean {
    return this.#byLane.get(lane)?.some(({ to }) => to >= seq) === true;
  }

  /** What is not doomed of a lane between two places, in order. */
  *spared(lane: number, from: number, to: number): Generator<readonly [number, number]> {
    const ranges = this.#byLane.get(lane)?.toSorted((a, b) => a.from - b.from) ?? [];
    for (const range of ranges) {
      if (range.to < from) continue;
      if (range.from > to) break;
      if (range.from > from) yield [from, range.from - 1];
      from = range.to + 1;
    }
    if (from <= to) yield [from, to];
  }

  /** Takes a piece away, within a transaction. Tells whether there is more. */
  piece(): boolean {
    const [ranges] = this.#byLane.values();
    const range = ranges?.[0];
    if (range !== undefined) this.#take(range, this.#pieceEnd(range));
    return !this.none;
  }

  /** A lane begins anew: what is left of the one that had its number is taken away at once. */
  makeWay(lane: number): void {
    for (const range of [...(this.#byLane.get(lane) ?? [])]) this.#take(range, range.to);
  }

  /** The last place of the piece that the range begins with. */
  #pieceEnd({ lane, from, to }: Range): number {
    let rows = 0;
    let bytes = 0;
    for (const { seq, size } of this.#sizes.iterate(lane, from, to)) {
      bytes += Number(size);
      if (++rows === pieceRows || bytes >= pieceBytes) return Number(seq);
    }
    return to;
  }

  #take(range: Range, until: number): void {
    const { lane, from, to } = range;
    this.#remove.get(lane, from, until);
    this.#removeChunks.get(lane, from, until);
    this.#forget.get(lane, from);
    const rest = this.#byLane.get(lane)?.filter((each) => each !== range) ?? [];
    if (rest.length > 0) this.#byLane.set(lane, rest);
    else this.#byLane.delete(lane);
    if (until < to) this.add(lane, until + 1, to);
  }

  #keep(range: Range): void {
    const ranges = this.#byLane.get(range.lane);
    // One that begins at the same place takes the other's row.
    const others = ranges?.filter(({ from }) => from !== range.from) ?? [];
    this.#byLane.set(range.lane, [...others, range]);
  }
}
