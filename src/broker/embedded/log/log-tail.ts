import { bytesOf } from "../message.ts";
import type { Row } from "../storage.ts";

/** The last messages of a log are in memory for those who read along, so many at most. */
const rowsMax = 1_024;
/** The same in bytes. */
const bytesMax: number = 4 * 1024 * 1024;

/** The last messages of a log, side by side: those who keep up need not read the disk. */
export class Tail {
  /** Those before the head are gone. */
  #rows: (Row | undefined)[] = [];
  #head = 0;
  /** The offset of the one at the head; of the next one when there is none. */
  #first = 0;
  #bytes = 0;

  /** Empty, and the next message is that one. */
  begin(next: number): void {
    this.#rows = [];
    this.#head = 0;
    this.#first = next;
    this.#bytes = 0;
  }

  add(row: Row): void {
    this.#rows.push(row);
    this.#bytes += bytesOf(row.message);
    while (this.#size > rowsMax || (this.#bytes > bytesMax && this.#size > 1)) this.#drop();
  }

  get(seq: number): Row | undefined {
    return seq < this.#first ? undefined : this.#rows[this.#head + seq - this.#first];
  }

  /** Those below are gone. */
  trim(seq: number): void {
    while (this.#size > 0 && this.#first < seq) this.#drop();
    this.#first = Math.max(this.#first, seq);
  }

  get #size(): number {
    return this.#rows.length - this.#head;
  }

  #drop(): void {
    this.#bytes -= bytesOf(this.#rows[this.#head]!.message);
    this.#rows[this.#head++] = undefined;
    this.#first++;
    if (this.#head < rowsMax) return;
    this.#rows = this.#rows.slice(this.#head);
    this.#head = 0;
  }
}
