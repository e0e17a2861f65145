import type { Words } from "../../os/words.ts";
import { recordAlign, recordBytes, type Records } from "./records.ts";
import { RingWord } from "./ring-words.ts";

/**
 * The end of a ring at which records are added, by whoever has the writers' lock. They are written behind the tail, where nobody looks,
 * and one store of the tail makes all of them messages: whoever dies before that has written nothing.
 */
export class RingTail {
  readonly #records: Records;
  readonly #words: Words;
  /** The sleep for which it was rung. */
  #rung = 0;

  constructor(records: Records, words: Words) {
    this.#records = records;
    this.#words = words;
  }

  /**
   * Adds as many of them as there is room for, from `from` on, and returns how many: all that a reader has settled is room, or, `freed`
   * given, what it had settled then. -1: the words make no sense.
   */
  add(payloads: readonly Uint8Array[], from: number, freed?: number): number {
    const { size } = this.#records;
    let tail = this.#words.load(RingWord.tail);
    const used = usedOf(freed ?? this.#words.load(RingWord.head), tail, size);
    if (used < 0) return -1;
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

  /** Whether whoever reads has to be woken, asked after records were added: once for each sleep. */
  wakes(): boolean {
    const sleeping = this.#words.load(RingWord.sleeping);
    if ((sleeping & 1) === 0 || sleeping === this.#rung) return false;
    this.#rung = sleeping;
    return true;
  }
}

/** How many bytes are between two positions; -1: there cannot be so many in a ring of that size, or nothing begins at one of them. */
export function usedOf(head: number, tail: number, size: number): number {
  const used = (tail - head) >>> 0;
  return used <= size && used % recordAlign === 0 && tail % recordAlign === 0 ? used : -1;
}
