/** Items that a stream is granted at its start. */
export const creditFirst = 8;

/** The most items that may be on their way or waiting on one stream. */
export const creditMax = 256;

/** The bytes that may wait on one stream before it stops growing its credit. */
export const bufferedBytesMax = 1024 * 1024;

/**
 * Decides how many items the producer of one stream may send. Credit counts items, memory counts bytes: the window
 * starts small, doubles each time the reader has taken half of it, and stops where its items would fill
 * `bufferedBytesMax`, by their average size.
 */
export class CreditWindow {
  #size = creditFirst;
  /** Granted and not yet arrived. */
  #owed = creditFirst;
  /** Arrived and not yet taken by the reader. */
  #waiting = 0;
  #items = 0;
  #bytes = 0;

  /** False when the producer sent more than it was granted. */
  arrived(bytes: number): boolean {
    if (this.#owed === 0) return false;
    this.#owed--;
    this.#waiting++;
    this.#items++;
    this.#bytes += bytes;
    return true;
  }

  /** The reader took an item; returns how many more to grant now, often 0: credit is given in halves. */
  taken(): number {
    this.#waiting--;
    const open = this.#size - this.#owed - this.#waiting;
    if (open * 2 < this.#size) return 0;
    this.#size = Math.max(
      1,
      Math.min(this.#size * 2, creditMax, Math.floor(bufferedBytesMax / this.#averageBytes)),
    );
    const grant = this.#size - this.#owed - this.#waiting;
    if (grant <= 0) return 0;
    this.#owed += grant;
    return grant;
  }

  get #averageBytes(): number {
    return Math.max(1, this.#bytes / Math.max(1, this.#items));
  }
}
