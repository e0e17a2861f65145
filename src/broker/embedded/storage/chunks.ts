import type { DatabaseSync, StatementSync } from "node:sqlite";
import { chunkBytes } from "./noted.ts";

/** The bodies that are too large for one row, in pieces. */
export class Chunks {
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #remove: StatementSync;
  readonly #gone: StatementSync;

  constructor(db: DatabaseSync) {
    this.#put = db.prepare("INSERT INTO chunk VALUES((?1 << 43) | ?2, ?3, ?4)");
    this.#get = db.prepare("SELECT data FROM chunk WHERE id = ((?1 << 43) | ?2) ORDER BY part");
    this.#get.setReturnArrays(true);
    this.#remove = db.prepare("DELETE FROM chunk WHERE id = ((?1 << 43) | ?2)");
    this.#gone = db.prepare(
      `DELETE FROM chunk WHERE id >= ((?1 << 43) | ?2) AND id <= ((?1 << 43) | ?3)
         AND id NOT IN (SELECT id FROM message WHERE message.id = chunk.id)`,
    );
  }

  put(lane: number, seq: number, body: Uint8Array): void {
    for (let part = 0; part * chunkBytes < body.byteLength; part++)
      this.#put.get(lane, seq, part, body.subarray(part * chunkBytes, (part + 1) * chunkBytes));
  }

  get(lane: number, seq: number): Uint8Array[] {
    return this.#get.all(lane, seq).map((row) => (row as unknown as [Uint8Array])[0]);
  }

  remove(lane: number, seq: number): void {
    this.#remove.get(lane, seq);
  }

  /** Those of messages between two places of a lane that are gone. */
  removeGone(lane: number, from: number, to: number): void {
    this.#gone.get(lane, from, to);
  }
}
