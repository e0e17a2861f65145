import type { Words } from "../../os/words.ts";
import type { Found, Records } from "./records.ts";
import { usedOf } from "./ring-tail.ts";
import { RingWord } from "./ring-words.ts";

/** A record on its way: read, and not gone from the ring. */
export interface Taken extends Found {
  /** How often it was handed out, this time included. */
  handed: number;
  settled: boolean;
}

/**
 * The end of a ring at which records are taken, by whoever has the readers' lock. They may be settled in any order. The head moves over
 * those that are settled without a gap; what is settled behind a gap is marked, so the next reader does not get it either.
 */
export class RingHead {
  readonly #records: Records;
  readonly #words: Words;
  /** Read and not gone, in the order of the ring: a queue that is emptied from the front. */
  #taken: Taken[] = [];
  #gone = 0;
  #next: number;
  #sleeps: number;

  constructor(records: Records, words: Words) {
    this.#records = records;
    this.#words = words;
    this.#next = words.load(RingWord.head);
    this.#sleeps = words.load(RingWord.sleeping);
    this.wake();
  }

  /** The next record; undefined: there is none; false: the words make no sense. It is handed out, and counts as that. */
  take(): Taken | undefined | false {
    for (;;) {
      const tail = this.#words.load(RingWord.tail);
      if (usedOf(this.#next, tail, this.#records.size) < 0) return false;
      if (this.#next === tail) return undefined;
      const found = this.#records.read(this.#next, tail);
      this.#next = found.next;
      this.#taken.push(found);
      if (!found.settled) return this.again(found);
      this.#move();
    }
  }

  /** Hands it out once more. */
  again(taken: Taken): Taken {
    taken.handed++;
    this.#records.hand(taken);
    return taken;
  }

  /** It is done, and is not handed out again. */
  settle(taken: Taken): void {
    taken.settled = true;
    if (this.#taken[this.#gone] === taken) this.#move();
    else this.#records.settle(taken);
  }

  /** Says that this side waits for the bell; false: there is something, and it does not. */
  sleep(): boolean {
    if ((this.#sleeps & 1) === 0) this.#turn();
    if (this.#words.load(RingWord.tail) === this.#next) return true;
    this.wake();
    return false;
  }

  wake(): void {
    if ((this.#sleeps & 1) === 1) this.#turn();
  }

  #turn(): void {
    this.#sleeps = (this.#sleeps + 1) >>> 0;
    this.#words.store(RingWord.sleeping, this.#sleeps);
  }

  /** Moves the head over what is done. */
  #move(): void {
    let head: number | undefined;
    for (; this.#taken[this.#gone]?.settled === true; this.#gone++)
      head = this.#taken[this.#gone]!.next;
    if (head === undefined) return;
    this.#words.store(RingWord.head, head);
    if (this.#gone * 2 < this.#taken.length) return;
    this.#taken = this.#taken.slice(this.#gone);
    this.#gone = 0;
  }
}
