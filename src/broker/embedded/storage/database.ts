import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { systemError } from "../../../base/error.ts";
import type { Definition, Found, FoundLane, Json, Remembered } from "../storage.ts";
import { Doomed, isDoomed } from "./doomed.ts";
import { damagedAdvice } from "./failure.ts";
import { LaneBook } from "./lane-book.ts";
import type { BatchMessage, ThreadData } from "./messages.ts";
import { Reader } from "./reader.ts";
import { checkForm, migrate, pragma } from "./schema.ts";
import { Writer } from "./writer.ts";

const pageBytes = 4_096;
/** Marks are added to the row of the last ones until it has so many bytes: then it takes no page more than they need. */
const marksBytesMax = 2_048;

/** The file of a storage, in the hands of the one thread that writes and reads it. */
export class Database {
  readonly path: string;
  readonly db: DatabaseSync;
  readonly lanes: LaneBook;
  readonly doomed: Doomed;
  readonly reader: Reader;
  syncs = 0;
  readonly #writer: Writer;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #addMarks: StatementSync;
  readonly #putMarks: StatementSync;
  readonly #forget: StatementSync;
  #synced: boolean;

  constructor({ path, walBytesMax, cacheBytesMax }: ThreadData) {
    this.path = path;
    this.db = new DatabaseSync(path, { timeout: 0 });
    const { db } = this;
    db.exec("PRAGMA locking_mode=EXCLUSIVE");
    checkForm(db, path);
    db.exec(`PRAGMA page_size=${pageBytes}; PRAGMA auto_vacuum=INCREMENTAL;
      PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=${Math.ceil(walBytesMax / pageBytes)};
      PRAGMA journal_size_limit=${walBytesMax}; PRAGMA cache_size=-${Math.ceil(cacheBytesMax / 1024)};
      PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; BEGIN EXCLUSIVE; COMMIT`);
    this.#synced = true;
    migrate(db);
    db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    refuseTruncated(db, path);
    removeTransient(db);
    this.lanes = new LaneBook(db);
    this.doomed = new Doomed(db);
    this.reader = new Reader(db, this.doomed, this.lanes);
    this.#writer = new Writer(db, this.lanes, this.doomed);
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#addMarks = db.prepare(
      `UPDATE remembered SET at = ?2, marks = CAST(marks || ?1 AS BLOB)
         WHERE id = (SELECT max(id) FROM remembered) AND length(marks) < ${marksBytesMax} RETURNING id`,
    );
    this.#putMarks = db.prepare("INSERT INTO remembered(at, marks) VALUES(?2, ?1)");
    this.#forget = db.prepare("DELETE FROM remembered WHERE at < ?");
  }

  found(): Found {
    const rows = this.db.prepare("SELECT kind, name, value FROM definition").all();
    const definitions = rows.map(({ kind, name, value }): Definition => {
      return { kind: String(kind), name: String(name), value: JSON.parse(String(value)) as Json };
    });
    const remembered = this.db.prepare("SELECT at, marks FROM remembered ORDER BY id").all();
    return {
      definitions,
      lanes: this.lanes.lanes().map((lane) => this.look(lane)!),
      remembered: remembered.map(({ at, marks }): Remembered => {
        const bytes = (marks as Uint8Array).slice().buffer;
        return { at: Number(at), marks: new Uint32Array(bytes) };
      }),
    };
  }

  look(lane: number): FoundLane | undefined {
    const entry = this.lanes.look(lane);
    if (entry === undefined) return undefined;
    const { next, count, held, bytes, delivered } = entry;
    const first = count === 0 ? next : (this.reader.first(lane, 0)?.seq ?? next);
    return { lane, next, count, held, bytes, delivered, first };
  }

  /** Writes a batch as one transaction, as safe as it asks to be. Whatever it throws is the end. */
  write({ numbers, used, bytes, marks, level }: BatchMessage): void {
    this.#sync(level);
    this.#begin.get();
    this.#writer.write(new Float64Array(numbers), used, Buffer.from(bytes));
    if (marks !== undefined) this.#remember(marks);
    this.#commit.get();
  }

  /** Takes a piece of what is doomed away. Tells whether there is more. */
  sweep(): boolean {
    if (this.doomed.none) return false;
    this.#sync("os");
    this.#begin.get();
    const more = this.doomed.piece();
    this.#commit.get();
    return more;
  }

  /** Bytes of the file system that nobody uses, or none can be told. */
  freeBytes(): number {
    const { bavail, bsize } = statfsSync(dirname(this.path));
    return bavail * bsize;
  }

  pragma(name: string): number {
    return pragma(this.db, name);
  }

  close(): void {
    this.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.db.close();
  }

  #sync(level: BatchMessage["level"]): void {
    const synced = level === "disk";
    if (synced) this.syncs++;
    if (synced === this.#synced) return;
    this.#synced = synced;
    // Not a prepared statement: this takes effect when it is prepared, not when it is run.
    this.db.exec(`PRAGMA synchronous=${synced ? "FULL" : "NORMAL"}`);
  }

  #remember({ at, forgetBefore, halves }: NonNullable<BatchMessage["marks"]>): void {
    this.#forget.get(forgetBefore);
    if (halves.length === 0) return;
    const bytes = new Uint8Array(halves.buffer);
    if (this.#addMarks.get(bytes, at) === undefined) this.#putMarks.get(bytes, at);
  }
}

/** Looks whether the end of the file is there: SQLite would find that out when it is read. */
function refuseTruncated(db: DatabaseSync, path: string): void {
  const bytes = pragma(db, "page_count") * pragma(db, "page_size");
  const { size } = statSync(path);
  if (size >= bytes) return;
  throw systemError("DATA_LOSS", `${path} has ${size} bytes, and ${bytes} were written.`, {
    executed: "no",
    advice: damagedAdvice,
  });
}

/**
 * What was only written because memory was short went with the process that wrote it. A lane that has nothing else is doomed as a whole;
 * of others the rows are taken away now.
 */
function removeTransient(db: DatabaseSync): void {
  if (db.prepare("SELECT 1 FROM lane WHERE transient > 0 LIMIT 1").get() === undefined) return;
  db.exec(`BEGIN IMMEDIATE;
    INSERT OR REPLACE INTO doomed SELECT lane << 43, (lane << 43) | (next - 1) FROM lane WHERE transient > 0 AND transient = count;
    DELETE FROM latest WHERE lane IN (SELECT lane FROM lane WHERE transient > 0 AND transient = count);
    UPDATE lane SET count = 0, bytes = 0, held = 0, transient = 0 WHERE transient = count;
    UPDATE lane SET count = lane.count - gone.count, bytes = lane.bytes - gone.bytes, held = lane.held - gone.held, transient = 0
      FROM (SELECT id >> 43 AS lane, count(*) AS count, sum(size) AS bytes, sum((flags & 2) <> 0) AS held
              FROM message WHERE flags & 4 AND NOT ${isDoomed} GROUP BY id >> 43) AS gone
      WHERE gone.lane = lane.lane;
    DELETE FROM chunk WHERE id IN (SELECT id FROM message WHERE flags & 4 AND NOT ${isDoomed});
    DELETE FROM message WHERE flags & 4 AND NOT ${isDoomed};
    DELETE FROM latest WHERE NOT EXISTS (SELECT 1 FROM message WHERE message.id = ((latest.lane << 43) | latest.seq));
    COMMIT`);
}
