import type { Window } from "../../items/received-items.ts";

/** Items that wait for their reader, from which on nothing more is read from the connection. */
const itemsHigh = 256;

/** The same in bytes. */
const bytesHigh: number = 1024 * 1024;

/**
 * Says when a connection is to be read: while few items wait. HTTP grants bytes and not items, so the producer runs ahead
 * by what waits here and by what the connection holds.
 */
export class ByteWindow implements Window {
  /** One read brings as many as are in it. */
  readonly itemsMax: number = Infinity;
  #waiting = 0;
  #bytes = 0;
  #full = false;

  arrived(bytes: number): boolean {
    this.#waiting++;
    this.#bytes += bytes;
    return true;
  }

  /** 1 when the connection is to be read again. */
  taken(): number {
    this.#bytes -= this.#bytes / this.#waiting;
    this.#waiting--;
    if (!this.#full || this.#waiting > itemsHigh / 2 || this.#bytes > bytesHigh / 2) return 0;
    this.#full = false;
    return 1;
  }

  /** True, once, when the connection is not to be read any more. */
  filled(): boolean {
    if (this.#full || (this.#waiting < itemsHigh && this.#bytes < bytesHigh)) return false;
    this.#full = true;
    return true;
  }
}
