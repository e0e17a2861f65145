/**
 * 32-bit words that two processes share. Each word has one writer. All accesses are sequentially consistent, which is what the
 * ring's proof needs: a store is seen before a load that follows it. An interface, so that the proof can run on a model.
 */
export interface Words {
  /** The word at that index, as an unsigned number. */
  load(index: number): number;
  store(index: number, value: number): void;
}

/** As far as the last of them. */
const wordCount = 192;

/** Words in memory that is mapped. */
export class SharedWords implements Words {
  readonly #words: Int32Array;

  constructor(memory: ArrayBuffer, from: number) {
    this.#words = new Int32Array(memory, from, wordCount);
  }

  load(index: number): number {
    return Atomics.load(this.#words, index) >>> 0;
  }

  store(index: number, value: number): void {
    Atomics.store(this.#words, index, value);
  }
}

/** Where the words of a side are: 128 bytes apart, so that no two share a cache line, nor a pair of them. */
export const Word = {
  /** Bytes that this side has written into its ring, modulo 2³². */
  tail: 0,
  /** Bytes that this side has read out of the other one's ring, modulo 2³². */
  head: 32,
  /** Odd: this side waits for bytes. */
  sleeping: 64,
  /** Odd: this side waits for room. */
  waiting: 96,
  /** Non-zero: this side writes nothing more. */
  ended: 128,
  /** Bytes that this side has read out of the other one's ring for parcels, modulo 2³². */
  parcels: 160,
} as const;
