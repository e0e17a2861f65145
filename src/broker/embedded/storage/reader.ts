import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Due } from "../storage.ts";
import { Chunks } from "./chunks.ts";
import type { LaneBook } from "./lane-book.ts";
import { flag } from "./noted.ts";

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
const from = "id >= ((?1 << 43) | ?2) AND id <= ((?1 << 43) | 0x7ffffffffff)";

/** Looks messages up. */
export class Reader {
  readonly #lanes: LaneBook | undefined;
  readonly #chunks: Chunks;
  readonly #ready: StatementSync;
  readonly #all: StatementSync;
  readonly #next: StatementSync;
  readonly #due: StatementSync;

  /** `lanes`: only `seek` needs them. */
  constructor(db: DatabaseSync, lanes?: LaneBook) {
    this.#lanes = lanes;
    this.#chunks = new Chunks(db);
    this.#ready = db.prepare(`SELECT ${columns} ${from} AND NOT (flags & 2) ORDER BY id LIMIT ?3`);
    this.#all = db.prepare(`SELECT ${columns} ${from} ORDER BY id LIMIT ?3`);
    this.#next = db.prepare(
      `SELECT id & 0x7ffffffffff, enqueued_at FROM message WHERE ${from} ORDER BY id LIMIT 1`,
    );
    this.#due = db.prepare(
      `SELECT due_at, id >> 43, id & 0x7ffffffffff FROM message
         WHERE due_at IS NOT NULL AND (due_at, id) > (?1, (?2 << 43) | ?3) ORDER BY due_at, id LIMIT ?4`,
    );
    for (const each of [this.#ready, this.#all, this.#next, this.#due]) each.setReturnArrays(true);
  }

  /** At least one row where there is one, however large. */
  read(lane: number, seq: number, limit: number, bytesMax: number, held: boolean): PackedRows {
    const rows: MessageColumns[] = [];
    const parts: Uint8Array[] = [];
    const numbers: number[] = [];
    let bytes = 0;
    const found = (held ? this.#all : this.#ready).iterate(lane, seq, limit);
    for (const row of found as unknown as Iterable<MessageColumns>) {
      const [at, flags, attempts, enqueuedAt, dueAt, head, body] = row;
      const pieces = (flags & flag.chunked) === 0 ? [body] : this.#chunks.get(lane, at);
      const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (rows.length > 0 && bytes + head.byteLength + length > bytesMax) break;
      bytes += head.byteLength + length;
      rows.push(row);
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

  /** Halves what is left until one place is: places rise with time, and may have gaps. */
  seek(lane: number, enqueuedAt: number): number {
    const next = this.#lanes?.look(lane)?.next ?? 0;
    let low = 0;
    let high = next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [seq, at] = (this.#next.get(lane, middle) as unknown as [number, number]) ?? [
        high,
        Infinity,
      ];
      if (at >= enqueuedAt) high = middle;
      else low = seq + 1;
    }
    const [first = next] = (this.#next.get(lane, low) as unknown as [number] | undefined) ?? [];
    return first;
  }

  due(after: Due | undefined, limit: number): Due[] {
    const { dueAt, lane, seq } = after ?? { dueAt: -1, lane: 0, seq: 0 };
    const rows = this.#due.all(dueAt, lane, seq, limit) as unknown as [number, number, number][];
    return rows.map(([at, ofLane, place]) => ({ dueAt: at, lane: ofLane, seq: place }));
  }
}
