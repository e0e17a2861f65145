import { readFileSync } from "node:fs";
import type { Database } from "./database.ts";
import type { ThreadFigures, Upkeep } from "./messages.ts";

/** Free pages in the file that are kept for what comes next: given back at once, they would be asked for again. */
const sparePagesMin = 2_048;
/** Of the file: more than that is given back. */
const spareShare = 0.1;
/** Pages that are given back in one go: about as long as a batch takes. */
const vacuumPages = 256;
/** Bytes that are written between two looks at the room there is. */
const lookBytes = 4 * 1_048_576;

/** What is done in idle moments: the log is copied into the file, and room that is free is given back. */
export class UpkeepWork {
  checkpoints = 0;
  readonly #database: Database;
  #unlooked: number = lookBytes;
  /** Written since the log was copied. */
  #dirty = true;

  constructor(database: Database) {
    this.#database = database;
  }

  /** A batch was written. Tells what room there is, when it is time to look again. */
  wrote(bytes: number): number | undefined {
    this.#dirty = true;
    this.#unlooked += bytes;
    if (this.#unlooked < lookBytes) return undefined;
    this.#unlooked = 0;
    return this.#database.freeBytes();
  }

  /**
   * Does a piece, and tells whether there is more. `quiet`: nothing was written since the last one. `scarce`: the disk is
   * nearly full, so nothing is kept for what comes next; else a small disk would stay full of what nobody needs.
   */
  piece(quiet: boolean, scarce: boolean): Upkeep {
    const { db } = this.#database;
    if (this.#database.sweep()) {
      this.#dirty = true;
      return { more: true, freeBytes: this.#database.freeBytes() };
    }
    const spare = this.#database.pragma("freelist_count");
    const pages = this.#database.pragma("page_count");
    const kept = scarce ? 0 : Math.max(sparePagesMin, Math.floor(pages * spareShare));
    const surplus = spare - kept;
    if (surplus > 0) {
      db.exec(`PRAGMA incremental_vacuum(${Math.min(surplus, vacuumPages)})`);
      this.#dirty = true;
    } else if (quiet && this.#dirty) {
      db.exec(`PRAGMA wal_checkpoint(${scarce ? "TRUNCATE" : "PASSIVE"})`);
      this.#database.syncs += 2;
      this.checkpoints++;
      this.#dirty = false;
    }
    return { more: surplus > vacuumPages || this.#dirty, freeBytes: this.#database.freeBytes() };
  }

  figures(): ThreadFigures {
    const { syncs } = this.#database;
    return { syncs, checkpoints: this.checkpoints, bytesWritten: bytesWritten() };
  }
}

/** What this thread handed to the operating system to be written, where it counts that. */
function bytesWritten(): number | undefined {
  try {
    const told = /^wchar: (\d+)$/m.exec(readFileSync("/proc/thread-self/io", "latin1"))?.[1];
    return told === undefined ? undefined : Number(told);
  } catch {
    return undefined;
  }
}
