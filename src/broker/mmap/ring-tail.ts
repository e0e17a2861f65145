import type { Words } from "../../os/words.ts";
import { recordBytes, type Records } from "./records.ts";
import { RingWord } from "./ring-words.ts";

/**
 * The end of a ring at which records are added, by whoever has the writers' lock. They are written behind the tail, where nobody looks,
 * and one store of the tail makes all of them messages: whoever dies before that has written nothing.
 */
export class RingTail {
  readonly #records: Records;
  readonly #words: Words;

  constructor(records: Records, words: Words) {
    this.#records = records;
    this.#words = words;
  }

  /** What is in the ring, in bytes; -1: its words make no sense. */
  get used(): number {
    return usedOf(this.#words, this.#words.load(RingWord.head), this.#records.size);
  }

  /**
   * Adds as many of them as there is room for, from `from` on, and returns how many: all that a reader has settled is room, or, `freed`
   * given, what it had settled then. -1: the words make no sense.
   */
  add(payloads: readonly Uint8Array[], from: number, freed?: number): number {
    const { size } = this.#records;
    const head = freed ?? this.#words.load(RingWord.head);
    const used = usedOf(this.#words, head, size);
    if (used < 0) return -1;
    let tail = this.#words.load(RingWord.tail);
    let room = size - used;
    let added = 0;
    for (const payload of from === 0 ? payloads : payloads.slice(from)) {
      const taken = recordBytes(payload.length);
      if (taken > room) break;
      this.#records.writeBytes(tail, payload);
      this.#records.writeHead(tail, payload);
      tail = (tail + taken) >>> 0;
      room -= taken;
      added++;
    }
    if (added > 0) this.#words.store(RingWord.tail, tail);
    return added;
  }
}

/** How many bytes are between a head and the tail; -1: there cannot be so many. */
export function usedOf(words: Words, head: number, size: number): number {
  const tail = words.load(RingWord.tail);
  const used = (tail - head) >>> 0;
  return used <= size && used % 16 === 0 && tail % 16 === 0 ? used : -1;
}
