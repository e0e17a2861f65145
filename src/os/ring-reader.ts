import { Word, type Words } from "./words.ts";

/** The reading half of a ring of bytes. `RingWriter` says how the two keep from sleeping past each other. */
export class RingReader {
  readonly #ring: Buffer;
  readonly #own: Words;
  readonly #peer: Words;
  readonly #ring_: () => void;
  #head: number;
  #sleeps = 0;
  #rung = 0;

  constructor(ring: Buffer, own: Words, peer: Words, ringBell: () => void, start: number = 0) {
    this.#ring = ring;
    this.#own = own;
    this.#peer = peer;
    this.#ring_ = ringBell;
    this.#head = start;
  }

  /**
   * Copies what there is, as far as `into` has room, and returns how many bytes that were; -1: the other side's words make no sense.
   * What is looked at is the copy, which nobody changes any more.
   */
  read(into: Buffer): number {
    const size = this.#ring.length;
    const there = (this.#peer.load(Word.tail) - this.#head) >>> 0;
    if (there > size) return -1;
    const count = Math.min(there, into.length);
    if (count === 0) return 0;
    const at = this.#head & (size - 1);
    const first = Math.min(count, size - at);
    this.#ring.copy(into, 0, at, at + first);
    if (first < count) this.#ring.copy(into, first, 0, count - first);
    this.#head = (this.#head + count) >>> 0;
    this.#own.store(Word.head, this.#head);
    const waiting = this.#peer.load(Word.waiting);
    if ((waiting & 1) === 1 && waiting !== this.#rung) {
      this.#rung = waiting;
      this.#ring_();
    }
    return count;
  }

  /** Says that this side waits for bytes; false: there are some already, and it does not wait. */
  sleep(): boolean {
    if ((this.#sleeps & 1) === 0) this.#own.store(Word.sleeping, ++this.#sleeps);
    if (this.#peer.load(Word.tail) === this.#head && !this.ended) return true;
    this.wake();
    return false;
  }

  /** It does not wait any more; false: it did not. */
  wake(): boolean {
    if ((this.#sleeps & 1) === 0) return false;
    this.#own.store(Word.sleeping, ++this.#sleeps);
    return true;
  }

  /** The other side writes nothing more; what it wrote before may still have to be read. */
  get ended(): boolean {
    return this.#peer.load(Word.ended) !== 0;
  }
}
