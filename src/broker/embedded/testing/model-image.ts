import { bytesOf, type Message } from "../message.ts";
import type { Definition, Due, Found, FoundLane, Remembered, Revision, Row } from "../storage.ts";

interface ModelLane {
  readonly rows: Row[];
  next: number;
  delivered: number;
  compact: boolean;
}

/** What a disk has, as plain values. */
export class ModelImage {
  readonly #lanes = new Map<number, ModelLane>();
  readonly #definitions = new Map<string, Definition>();
  #remembered: Remembered[] = [];

  /** A copy of its own, without what was transient: what the next process finds. */
  copy(): ModelImage {
    const copy = new ModelImage();
    for (const [lane, { rows, ...rest }] of this.#lanes) {
      const kept = rows.filter((row) => !row.transient);
      copy.#lanes.set(lane, { ...rest, rows: kept });
    }
    for (const [name, definition] of this.#definitions) copy.#definitions.set(name, definition);
    copy.#remembered = [...this.#remembered];
    return copy;
  }

  found(): Found {
    const lanes = [...this.#lanes.keys()].map((lane) => this.look(lane)!);
    return {
      definitions: [...this.#definitions.values()],
      lanes: lanes.toSorted((a, b) => a.lane - b.lane),
      remembered: [...this.#remembered],
    };
  }

  look(lane: number): FoundLane | undefined {
    const entry = this.#lanes.get(lane);
    if (entry === undefined) return undefined;
    const { rows, next, delivered } = entry;
    const bytes = rows.reduce((sum, { message }) => sum + bytesOf(message), 0);
    const held = rows.filter((row) => row.held).length;
    const first = rows[0]?.seq ?? next;
    return { lane, next, count: rows.length, held, bytes, first, delivered };
  }

  insert(row: Row): void {
    const lane = this.#lane(row.lane);
    const { key } = row.message;
    if (lane.compact && key !== undefined) {
      const older = lane.rows.findIndex(({ message }) => message.key === key);
      if (older !== -1) lane.rows.splice(older, 1);
    }
    lane.rows.splice(placeOf(lane.rows, row.seq), 0, row);
    lane.next = Math.max(lane.next, row.seq + 1);
  }

  remove(lane: number, seq: number): void {
    const { rows } = this.#lane(lane);
    const at = placeOf(rows, seq);
    if (rows[at]?.seq === seq) rows.splice(at, 1);
  }

  revise(lane: number, seq: number, revision: Revision): void {
    const { rows } = this.#lane(lane);
    const at = placeOf(rows, seq);
    const row = rows[at];
    if (row?.seq === seq) rows[at] = { ...row, ...revision };
  }

  delivered(lane: number, seq: number): void {
    const entry = this.#lane(lane);
    entry.delivered = Math.max(entry.delivered, seq);
  }

  trim(lane: number, seq: number): void {
    const { rows } = this.#lane(lane);
    rows.splice(0, placeOf(rows, seq));
  }

  purge(lane: number, seq: number, held: boolean): void {
    const { rows } = this.#lane(lane);
    const from = placeOf(rows, seq);
    rows.splice(from, rows.length, ...rows.slice(from).filter((row) => row.held && !held));
  }

  drop(lane: number): void {
    this.#lanes.delete(lane);
  }

  compact(lane: number): void {
    this.#lane(lane).compact = true;
  }

  isCompact(lane: number): boolean {
    return this.#lanes.get(lane)?.compact === true;
  }

  define(definition: Definition): void {
    this.#definitions.set(`${definition.kind}\n${definition.name}`, definition);
  }

  undefine(kind: string, name: string): void {
    this.#definitions.delete(`${kind}\n${name}`);
  }

  remember(at: number, marks: Uint32Array, forgetBefore: number): void {
    this.#remembered = this.#remembered.filter((each) => each.at >= forgetBefore);
    if (marks.length > 0) this.#remembered.push({ at, marks });
  }

  read(lane: number, seq: number, limit: number, bytesMax: number, held: boolean): Row[] {
    const rows = this.#lanes.get(lane)?.rows ?? [];
    const read: Row[] = [];
    let bytes = 0;
    for (let at = placeOf(rows, seq); at < rows.length && read.length < limit; at++) {
      const row = rows[at];
      if (row === undefined || (row.held && !held)) continue;
      bytes += bytesOf(row.message);
      if (read.length > 0 && bytes > bytesMax) break;
      read.push({ ...row, message: ownMessage(row.message) });
    }
    return read;
  }

  seek(lane: number, enqueuedAt: number): number {
    const entry = this.#lanes.get(lane);
    return entry?.rows.find((row) => row.enqueuedAt >= enqueuedAt)?.seq ?? entry?.next ?? 0;
  }

  due(after: Due | undefined, limit: number): Due[] {
    const all: Due[] = [];
    for (const { rows } of this.#lanes.values())
      for (const { lane, seq, dueAt } of rows)
        if (dueAt !== undefined) all.push({ dueAt, lane, seq });
    const sorted = all.toSorted(sooner);
    return sorted.filter((due) => after === undefined || sooner(after, due) < 0).slice(0, limit);
  }

  #lane(lane: number): ModelLane {
    let entry = this.#lanes.get(lane);
    if (entry === undefined) {
      entry = { rows: [], next: 0, delivered: 0, compact: false };
      this.#lanes.set(lane, entry);
    }
    return entry;
  }
}

/** A message as it comes back from a disk: in memory of its own, and nothing was read out of it yet. */
export function ownMessage(message: Message): Message {
  const { exchange, routingKey, persistent, priority, expirationMs, key } = message;
  const body = Buffer.from(message.body);
  const properties = Buffer.from(message.properties);
  return { exchange, routingKey, properties, body, persistent, priority, expirationMs, key };
}

/** Where a place is in rows, or would be. */
function placeOf(rows: readonly Row[], seq: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sooner(a: Due, b: Due): number {
  return a.dueAt - b.dueAt || a.lane - b.lane || a.seq - b.seq;
}
