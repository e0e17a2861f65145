import { closeSync, openSync, rmSync } from "node:fs";
import { Database } from "../database.ts";
import { noted } from "../noted.ts";
import { OpenBatch } from "../open-batch.ts";
import type { Definition, Row } from "../../storage.ts";
import type { LaneLine } from "./line.ts";

/** Bytes that are written as one transaction. */
const batchBytes = 4 * 1_048_576;
const walBytesMax = 16 * 1_048_576;
const cacheBytesMax = 64 * 1_048_576;

/** A storage that is being made of what comes, piece by piece. */
export class NewFile {
  messages = 0;
  readonly #database: Database;
  #open = new OpenBatch(undefined);
  #number = 0;

  constructor(path: string) {
    // For this user alone, as SQLite would not make it.
    closeSync(openSync(path, "wx", 0o600));
    this.#database = new Database({ path, walBytesMax, cacheBytesMax });
  }

  define({ kind, name, value }: Definition): void {
    this.#open.text(noted.define, [kind, name, value]);
    this.#flush(batchBytes);
  }

  lane({ lane, next, delivered, compact }: LaneLine): void {
    if (compact) this.#open.whole(noted.compact, lane);
    this.#open.upTo(noted.delivered, lane, delivered);
    this.#open.upTo(noted.next, lane, next);
    this.#flush(batchBytes);
  }

  remember(at: number, marks: readonly number[]): void {
    this.#flush(0);
    this.#open.remember(at, marks, 0);
    this.#flush(0);
  }

  insert(row: Row): void {
    this.messages++;
    this.#open.insert(row);
    this.#flush(batchBytes);
  }

  /** Everything is on the disk, in one file. */
  close(): void {
    this.#flush(0);
    this.#database.close();
  }

  /** Nothing is left of it. */
  abandon(): void {
    if (this.#database.db.isOpen) this.#database.db.close();
    for (const end of ["", "-wal"]) rmSync(`${this.#database.path}${end}`, { force: true });
  }

  #flush(above: number): void {
    if (!this.#open.begun || (above > 0 && this.#open.filled + 8 * this.#open.used < above)) return;
    const { used, size, marks, numbers, bytes } = this.#open;
    this.#database.write({
      ...{ kind: "batch", batch: ++this.#number, level: "os", used, size },
      marks: marks === undefined ? undefined : { ...marks, halves: Uint32Array.from(marks.halves) },
      numbers: numbers.buffer,
      bytes: bytes.buffer,
    });
    this.#open = new OpenBatch(undefined);
  }
}
