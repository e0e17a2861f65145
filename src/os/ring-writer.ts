import { Word, type Words } from "./words.ts";

/**
 * The writing half of a ring of bytes. This side alone writes the ring and its own words; what it reads of the other side's
 * words it checks, for the other side may be anybody.
 *
 * Publishing is: store the tail, then look whether the other side sleeps. The reader says that it sleeps, then looks at the
 * tail again. With sequential consistency one of the two sees the other, so that nobody sleeps while there is something.
 */
export class RingWriter {
  readonly #ring: Buffer;
  readonly #own: Words;
  readonly #peer: Words;
  readonly #ring_: () => void;
  #tail: number;
  /** As far as the other side has read, as of the last look. */
  #head: number;
  #rung = 0;
  #waits = 0;

  /** `ring`: as many bytes as a power of two. `ringBell` wakes the other side. `start`: where positions begin, for tests of their end. */
  constructor(ring: Buffer, own: Words, peer: Words, ringBell: () => void, start: number = 0) {
    this.#ring = ring;
    this.#own = own;
    this.#peer = peer;
    this.#ring_ = ringBell;
    this.#tail = start;
    this.#head = start;
  }

  /** For how many bytes there is room: looks again where that seems to be less than `wanted`. -1: the other side's words make no sense. */
  room(wanted: number): number {
    const size = this.#ring.length;
    let room = size - ((this.#tail - this.#head) >>> 0);
    if (room < wanted) {
      this.#head = this.#peer.load(Word.head);
      const used = (this.#tail - this.#head) >>> 0;
      if (used > size) return -1;
      room = size - used;
    }
    return room;
  }

  /** Copies as much of `bytes`, from `from` on, as there is room for, and returns how much that was; -1: the other side's words make no sense. */
  write(bytes: Uint8Array, from: number): number {
    const size = this.#ring.length;
    const wanted = bytes.length - from;
    const count = Math.min(this.room(wanted), wanted);
    if (count <= 0) return count;
    const at = this.#tail & (size - 1);
    const first = Math.min(count, size - at);
    this.#copy(bytes, from, at, first);
    if (first < count) this.#copy(bytes, from + first, 0, count - first);
    this.#tail = (this.#tail + count) >>> 0;
    return count;
  }

  /** Lets the other side see what was written, and wakes it when it sleeps: once for each sleep. */
  publish(): void {
    this.#own.store(Word.tail, this.#tail);
    const sleeping = this.#peer.load(Word.sleeping);
    if ((sleeping & 1) === 0 || sleeping === this.#rung) return;
    this.#rung = sleeping;
    this.#ring_();
  }

  /** Says that this side waits for room; false: there is some already, and it does not wait. */
  wait(): boolean {
    if ((this.#waits & 1) === 0) this.#own.store(Word.waiting, ++this.#waits);
    if (this.#peer.load(Word.head) === this.#head) return true;
    this.go();
    return false;
  }

  /** It does not wait any more. */
  go(): void {
    if ((this.#waits & 1) === 1) this.#own.store(Word.waiting, ++this.#waits);
  }

  /** Nothing more will be written. */
  end(): void {
    this.#own.store(Word.ended, 1);
    this.publish();
  }

  #copy(bytes: Uint8Array, from: number, at: number, count: number): void {
    this.#ring.set(
      from === 0 && count === bytes.length ? bytes : bytes.subarray(from, from + count),
      at,
    );
  }
}
