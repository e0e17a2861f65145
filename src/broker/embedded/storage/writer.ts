import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Chunks } from "./chunks.ts";
import type { Doomed } from "./doomed.ts";
import { readMessage } from "./head.ts";
import type { LaneBook, LaneEntry } from "./lane-book.ts";
import { seqMask } from "./schema.ts";
import { chunkBytes, flag, groupLengths, noted } from "./noted.ts";

const some = "id >= ((?1 << 43) | ?2) AND id <= ((?1 << 43) | ?3)";
const range = `${some} AND (?4 OR NOT (flags & 2))`;
const theOne = "id = ((?1 << 43) | ?2)";
const nobody = new Uint8Array(0);
/** So little is taken away at once, in rows and in bytes. */
const immediateRows = 1_000;
const immediateBytes = 1_048_576;

/** Writes the groups of a batch, each as what it says. The transaction is the caller's. */
export class Writer {
  readonly #lanes: LaneBook;
  readonly #chunks: Chunks;
  readonly #doomed: Doomed;
  readonly #changes: StatementSync;
  /** Lanes that messages were removed from without asking. */
  readonly #blindly = new Set<LaneEntry>();
  /** What `total_changes` must be. */
  #counted = 0;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeTelling: StatementSync;
  readonly #flags: StatementSync;
  readonly #revise: StatementSync;
  readonly #sum: StatementSync;
  readonly #removeRange: StatementSync;
  readonly #define: StatementSync;
  readonly #undefine: StatementSync;
  readonly #latest: StatementSync;
  readonly #setLatest: StatementSync;
  readonly #removeLatest: StatementSync;

  constructor(db: DatabaseSync, lanes: LaneBook, doomed: Doomed) {
    const prepare = (text: string): StatementSync => {
      const statement = db.prepare(text);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#lanes = lanes;
    this.#chunks = new Chunks(db);
    this.#doomed = doomed;
    this.#changes = prepare("SELECT total_changes()");
    this.#put = prepare("INSERT INTO message VALUES((?1 << 43) | ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    this.#remove = prepare(`DELETE FROM message WHERE ${some}`);
    this.#removeTelling = prepare(`DELETE FROM message WHERE ${theOne} RETURNING flags, size`);
    this.#flags = prepare(`SELECT flags FROM message WHERE ${theOne}`);
    this.#revise = prepare(
      `UPDATE message SET flags = ?3, attempts = ?4, due_at = ?5 WHERE ${theOne}`,
    );
    this.#sum = prepare(
      `SELECT count(*), total(size), total((flags & 2) <> 0), total((flags & 4) <> 0) FROM message WHERE ${range}`,
    );
    this.#removeRange = prepare(`DELETE FROM message WHERE ${range}`);
    this.#define = prepare("INSERT OR REPLACE INTO definition VALUES(?, ?, ?)");
    this.#undefine = prepare("DELETE FROM definition WHERE kind = ? AND name = ?");
    this.#latest = prepare("SELECT seq FROM latest WHERE lane = ? AND key = ?");
    this.#setLatest = prepare("INSERT OR REPLACE INTO latest VALUES(?, ?, ?)");
    this.#removeLatest = prepare(
      `DELETE FROM latest WHERE lane = ?1 AND seq BETWEEN ?2 AND ?3
         AND (?4 OR NOT EXISTS (SELECT 1 FROM message WHERE id = ((?1 << 43) | latest.seq)))`,
    );
  }

  /** Writes the groups in order, and then the counters of the lanes that they touched. */
  write(numbers: Float64Array, used: number, bytes: Buffer): void {
    this.#counted = this.#changesNow();
    for (let at = 0; at < used;) {
      const code = numbers[at] ?? 0;
      this.#group(code, numbers, at, bytes);
      at += groupLengths[code] ?? used;
    }
    this.#recount();
    this.#lanes.write();
  }

  /**
   * Removes are not asked one by one whether there was something: if all together took away fewer rows than there were removes,
   * one was of a message that was gone already, and the lanes are counted anew.
   */
  #recount(): void {
    const sound = this.#changesNow() === this.#counted;
    if (!sound)
      for (const entry of this.#blindly) {
        const [count = 0, bytes = 0, held = 0, transient = 0] = this.#sumOf(
          entry.lane,
          0,
          seqMask,
          true,
        );
        Object.assign(entry, { count, bytes, held, transient });
      }
    this.#blindly.clear();
  }

  /** What changes rows and is not counted: looked at apart. */
  #apart(work: () => void): void {
    const before = this.#changesNow();
    work();
    this.#counted += this.#changesNow() - before;
  }

  #changesNow(): number {
    return this.#asRow(this.#changes.get())[0] ?? 0;
  }

  #group(code: number, numbers: Float64Array, at: number, bytes: Buffer): void {
    const first = numbers[at + 1] ?? 0;
    const second = numbers[at + 2] ?? 0;
    switch (code) {
      case noted.insert:
        return this.#insert(first, second, numbers, at, bytes);
      case noted.remove:
        return this.#removeSome(first, second, numbers[at + 3] ?? 0, numbers[at + 4] ?? 0);
      case noted.revise:
        return this.#apart(() => this.#reviseOne(first, second, numbers, at));
      case noted.delivered: {
        const entry = this.#lanes.touch(first);
        entry.delivered = Math.max(entry.delivered, second);
        return;
      }
      case noted.next: {
        const entry = this.#lanes.touch(first);
        entry.next = Math.max(entry.next, second);
        return;
      }
      case noted.trim:
        return this.#apart(() => this.#clear(first, 0, second - 1, true));
      case noted.purge:
        return this.#apart(() => this.#clear(first, second, seqMask, numbers[at + 3] === 1));
      case noted.drop:
        return this.#apart(() => {
          this.#clear(first, 0, seqMask, true);
          this.#lanes.forget(first);
        });
      case noted.compact:
        this.#lanes.touch(first).compact = true;
        return;
      case noted.define: {
        const [kind, name, value] = textAt(bytes, first, second);
        return this.#apart(
          () => void this.#define.get(kind as string, name as string, JSON.stringify(value)),
        );
      }
      case noted.undefine: {
        const [kind, name] = textAt(bytes, first, second);
        return this.#apart(() => void this.#undefine.get(kind as string, name as string));
      }
    }
  }

  #insert(lane: number, seq: number, numbers: Float64Array, at: number, bytes: Buffer): void {
    const entry = this.#lanes.touch(lane);
    if (entry.count === 0 && this.#doomed.reaches(lane, seq))
      this.#apart(() => this.#doomed.makeWay(lane));
    const offset = numbers[at + 8] ?? 0;
    const bodyAt = offset + (numbers[at + 9] ?? 0);
    const head = bytes.subarray(offset, bodyAt);
    const body = bytes.subarray(bodyAt, bodyAt + (numbers[at + 10] ?? 0));
    const chunked = body.byteLength > chunkBytes;
    const flags = (numbers[at + 3] ?? 0) | (chunked ? flag.chunked : 0);
    const dueAt = numbers[at + 6] ?? Number.NaN;
    const size = numbers[at + 7] ?? 0;
    this.#put.get(
      lane,
      seq,
      flags,
      numbers[at + 4] ?? 0,
      numbers[at + 5] ?? 0,
      Number.isNaN(dueAt) ? null : dueAt,
      size,
      head,
      chunked ? nobody : body,
    );
    this.#counted++;
    if (chunked) this.#apart(() => this.#chunks.put(lane, seq, body));
    entry.next = Math.max(entry.next, seq + 1);
    entry.count++;
    entry.bytes += size;
    if ((flags & flag.held) !== 0) entry.held++;
    if ((flags & flag.transient) !== 0) entry.transient++;
    if (entry.compact) this.#apart(() => this.#replaceOlder(lane, seq, head));
  }

  #removeSome(lane: number, from: number, to: number, size: number): void {
    const entry = this.#lanes.touch(lane);
    // What is gone is asked only where more than counts depends on it: it costs three times as much.
    const chunked = from === to && size > chunkBytes;
    if (
      chunked ||
      entry.held > 0 ||
      entry.transient > 0 ||
      entry.compact ||
      this.#doomed.reaches(lane, from)
    )
      return this.#apart(() => {
        for (let seq = from; seq <= to; seq++) this.#removeTold(entry, seq);
      });
    this.#blindly.add(entry);
    this.#remove.get(lane, from, to);
    this.#counted += to - from + 1;
    entry.count -= to - from + 1;
    entry.bytes -= size;
  }

  #removeTold(entry: LaneEntry, seq: number): void {
    if (this.#doomed.has(entry.lane, seq)) return;
    const [flags, size] = this.#asRow(this.#removeTelling.get(entry.lane, seq));
    if (flags === undefined || size === undefined) return;
    entry.count--;
    entry.bytes -= size;
    if ((flags & flag.held) !== 0) entry.held--;
    if ((flags & flag.transient) !== 0) entry.transient--;
    if ((flags & flag.chunked) !== 0) this.#chunks.remove(entry.lane, seq);
    if (entry.compact) this.#removeLatest.get(entry.lane, seq, seq, 1);
  }

  #reviseOne(lane: number, seq: number, numbers: Float64Array, at: number): void {
    const [flags] = this.#asRow(this.#flags.get(lane, seq));
    if (flags === undefined || this.#doomed.has(lane, seq)) return;
    const held = numbers[at + 5] === 1;
    const wasHeld = (flags & flag.held) !== 0;
    const dueAt = numbers[at + 4] ?? Number.NaN;
    const now = (flags & ~flag.held) | (held ? flag.held : 0);
    this.#revise.get(lane, seq, now, numbers[at + 3] ?? 0, Number.isNaN(dueAt) ? null : dueAt);
    if (held !== wasHeld) this.#lanes.touch(lane).held += held ? 1 : -1;
  }

  /** Removes the messages from one place of a lane to another, those that are held back only when `held`. */
  #clear(lane: number, from: number, to: number, held: boolean): void {
    const entry = this.#lanes.touch(lane);
    if (to < from) return;
    const everything = held || entry.held === 0;
    const gone =
      everything && to === seqMask
        ? lessThan(entry, this.#sumOf(lane, 0, from - 1, true))
        : this.#sumOf(lane, from, to, held);
    const [count = 0, bytes = 0, heldCount = 0, transient = 0] = gone;
    if (count === 0) return;
    if (everything && (count > immediateRows || bytes > immediateBytes))
      this.#doomed.add(lane, from, Math.min(to, entry.next - 1));
    else {
      this.#removeRange.get(lane, from, to, held ? 1 : 0);
      this.#chunks.removeGone(lane, from, to);
    }
    if (entry.compact) this.#removeLatest.get(lane, from, to, everything ? 1 : 0);
    entry.count -= count;
    entry.bytes -= bytes;
    entry.held -= heldCount;
    entry.transient -= transient;
  }

  /** Counts the messages between two places: all, their bytes, those that are held back, those that are transient. */
  #sumOf(lane: number, from: number, to: number, held: boolean): readonly number[] {
    const sums = [0, 0, 0, 0];
    for (const [first, last] of this.#doomed.spared(lane, from, to))
      for (const [i, sum] of this.#asRow(this.#sum.get(lane, first, last, held ? 1 : 0)).entries())
        sums[i] = (sums[i] ?? 0) + (sum ?? 0);
    return sums;
  }

  /** Of one key only the newest message stays in a compact lane. */
  #replaceOlder(lane: number, seq: number, head: Buffer): void {
    const { key } = readMessage(head, nobody, true);
    if (key === undefined) return;
    const [older] = this.#asRow(this.#latest.get(lane, key));
    this.#setLatest.get(lane, key, seq);
    if (older !== undefined) this.#removeTold(this.#lanes.touch(lane), older);
  }

  /** Rows come as arrays: the types of Node do not know. */
  #asRow(row: unknown): readonly (number | undefined)[] {
    return (row as readonly number[] | undefined) ?? [];
  }
}

/** What a lane has less the counts of a part of it. */
function lessThan(entry: LaneEntry, part: readonly number[]): readonly number[] {
  const [count = 0, bytes = 0, held = 0, transient = 0] = part;
  return [entry.count - count, entry.bytes - bytes, entry.held - held, entry.transient - transient];
}

function textAt(bytes: Buffer, offset: number, length: number): readonly unknown[] {
  return JSON.parse(bytes.toString("utf8", offset, offset + length)) as unknown[];
}
