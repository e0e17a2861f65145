import type { Window } from "../../items/received-items.ts";

/** Items that a stream is granted at its start. */
export const creditFirst = 8;

/** The most items that may be on their way or waiting on one stream. */
export const creditMax = 1_024;

/** The bytes that may wait on one stream before it stops growing its credit. */
export const bufferedBytesMax: number = 1024 * 1024;

/** How many items make the average size of an item forget the ones before. */
const averagedItems = 8;

/**
 * Decides how many items the producer of one stream may send. Credit counts items, memory counts bytes: the window
 * starts small, doubles each time the reader has taken half of it, and stops where its items would fill
 * `bufferedBytesMax`, by the average size of the latest ones.
 */
export class CreditWindow implements Window {
  readonly itemsMax: number = creditMax;
  #size = creditFirst;
  /** Granted and not yet arrived. */
  #owed = creditFirst;
  /** Arrived and not yet taken by the reader. */
  #waiting = 0;
  #averageBytes = 0;

  /** False when the producer sent more than it was granted. */
  arrived(bytes: number): boolean {
    if (this.#owed === 0) return false;
    this.#owed--;
    this.#waiting++;
    if (this.#averageBytes === 0) this.#averageBytes = bytes;
    else this.#averageBytes += (bytes - this.#averageBytes) / averagedItems;
    return true;
  }

  /** The reader took an item; returns how many more to grant now, often 0: credit is given in halves. */
  taken(): number {
    this.#waiting--;
    const open = this.#size - this.#owed - this.#waiting;
    if (open * 2 < this.#size) return 0;
    this.#size = Math.max(
      1,
      Math.min(
        this.#size * 2,
        creditMax,
        Math.floor(bufferedBytesMax / Math.max(1, this.#averageBytes)),
      ),
    );
    const grant = this.#size - this.#owed - this.#waiting;
    if (grant <= 0) return 0;
    this.#owed += grant;
    return grant;
  }
}
