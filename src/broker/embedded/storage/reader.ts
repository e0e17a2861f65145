import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Due } from "../storage.ts";
import { Chunks } from "./chunks.ts";
import type { Doomed } from "./doomed.ts";
import type { LaneBook } from "./lane-book.ts";
import { flag } from "./noted.ts";
import { seqMask } from "./schema.ts";

/** Rows on their way to the other thread: eight numbers for each, and their heads and bodies one after the other. */
export interface PackedRows {
  readonly lane: number;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** seq, flags, attempts, enqueuedAt, dueAt or NaN, head's length, body's length. */
export const packedLength = 7;

type MessageColumns = readonly [
  number,
  number,
  number,
  number,
  number | null,
  Uint8Array,
  Uint8Array,
];

const columns =
  "id & 0x7ffffffffff, flags, attempts, enqueued_at, due_at, head, body FROM message WHERE";
const from = "id >= ((?1 << 43) | ?2) AND id <= ((?1 << 43) | ?3)";

/** Looks messages up. */
export class Reader {
  readonly #lanes: LaneBook | undefined;
  readonly #chunks: Chunks;
  readonly #doomed: Doomed | undefined;
  readonly #ready: StatementSync;
  readonly #all: StatementSync;
  readonly #next: StatementSync;
  readonly #due: StatementSync;

  /** `doomed`: what is not to be seen any more; `lanes`: only `seek` needs them. */
  constructor(db: DatabaseSync, doomed?: Doomed, lanes?: LaneBook) {
    this.#doomed = doomed;
    this.#lanes = lanes;
    this.#chunks = new Chunks(db);
    this.#ready = db.prepare(`SELECT ${columns} ${from} AND NOT (flags & 2) ORDER BY id LIMIT ?4`);
    this.#all = db.prepare(`SELECT ${columns} ${from} ORDER BY id LIMIT ?4`);
    this.#next = db.prepare(
      `SELECT id & 0x7ffffffffff, enqueued_at FROM message WHERE ${from} ORDER BY id LIMIT 1`,
    );
    this.#due = db.prepare(
      `SELECT due_at, id >> 43, id & 0x7ffffffffff FROM message
         WHERE due_at IS NOT NULL AND (due_at, id) > (?1, (?2 << 43) | ?3) ORDER BY due_at, id`,
    );
    for (const each of [this.#ready, this.#all, this.#next, this.#due]) each.setReturnArrays(true);
  }

  /** At least one row where there is one, however large. */
  read(lane: number, seq: number, limit: number, bytesMax: number, held: boolean): PackedRows {
    const parts: Uint8Array[] = [];
    const numbers: number[] = [];
    let bytes = 0;
    for (const row of this.#rows(held ? this.#all : this.#ready, lane, seq, limit)) {
      const [at, flags, attempts, enqueuedAt, dueAt, head, body] = row;
      const pieces = (flags & flag.chunked) === 0 ? [body] : this.#chunks.get(lane, at);
      const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (numbers.length > 0 && bytes + head.byteLength + length > bytesMax) break;
      bytes += head.byteLength + length;
      numbers.push(at, flags, attempts, enqueuedAt, dueAt ?? Number.NaN, head.byteLength, length);
      parts.push(head, ...pieces);
    }
    const packed = new Uint8Array(bytes);
    let end = 0;
    for (const part of parts) {
      packed.set(part, end);
      end += part.byteLength;
    }
    return { lane, numbers: new Float64Array(numbers), bytes: packed };
  }

  /** The first message from a place on. */
  first(lane: number, seq: number): { readonly seq: number; readonly at: number } | undefined {
    for (const [first, last] of this.#spared(lane, seq)) {
      const row = this.#next.get(lane, first, last) as unknown as [number, number] | undefined;
      if (row !== undefined) return { seq: row[0], at: row[1] };
    }
    return undefined;
  }

  /** Halves what is left until one place is: places rise with time, and may have gaps. */
  seek(lane: number, enqueuedAt: number): number {
    const next = this.#lanes?.look(lane)?.next ?? 0;
    let low = 0;
    let high = next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.first(lane, middle);
      if (found === undefined || found.at >= enqueuedAt) high = middle;
      else low = found.seq + 1;
    }
    return this.first(lane, low)?.seq ?? next;
  }

  due(after: Due | undefined, limit: number): Due[] {
    const last = after ?? { dueAt: -1, lane: 0, seq: 0 };
    const found: Due[] = [];
    const rows = this.#due.iterate(last.dueAt, last.lane, last.seq);
    for (const row of rows as unknown as Iterable<[number, number, number]>) {
      const [dueAt, lane, seq] = row;
      if (this.#doomed?.has(lane, seq) === true) continue;
      if (found.push({ dueAt, lane, seq }) >= limit) break;
    }
    return found;
  }

  *#rows(
    statement: StatementSync,
    lane: number,
    seq: number,
    limit: number,
  ): Generator<MessageColumns> {
    for (const [first, last] of this.#spared(lane, seq)) {
      const rows = statement.iterate(lane, first, last, limit);
      for (const row of rows as unknown as Iterable<MessageColumns>) {
        yield row;
        if (--limit === 0) return;
      }
    }
  }

  #spared(lane: number, seq: number): Iterable<readonly [number, number]> {
    return this.#doomed?.spared(lane, seq, seqMask) ?? [[seq, seqMask]];
  }
}
