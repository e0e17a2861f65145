import type { Entry } from "./entry.ts";
import type { Part } from "./part.ts";

/** Messages that wait in memory behind an earlier one of their key; when there are so many, nothing more is taken. */
const behindMax = 10_000;

interface Behind {
  readonly entry: Entry;
  readonly part: Part;
}

/** Lets one message of each key at a time go to a consumer; later ones wait until it is settled, other keys go on. */
export class KeyOrder {
  readonly #busy = new Map<string, Behind[]>();
  #behind = 0;

  get behind(): number {
    return this.#behind;
  }

  /** Nothing more is to be taken until something is settled. */
  get full(): boolean {
    return this.#behind >= behindMax;
  }

  /** True: it may go. Else it is kept here. */
  pass(entry: Entry, part: Part): boolean {
    const key = entry.message!.key;
    if (key === undefined || entry.turn) return true;
    const waiting = this.#busy.get(key);
    if (waiting === undefined) {
      this.#busy.set(key, []);
      entry.turn = true;
      return true;
    }
    waiting.push({ entry, part });
    this.#behind++;
    return false;
  }

  /** Somebody has the turn of a key since before this process. */
  recall(key: string | undefined): void {
    if (key !== undefined && !this.#busy.has(key)) this.#busy.set(key, []);
  }

  /** An entry whose turn it was is gone. Gives back the one whose turn it is now. */
  done(entry: Entry): Behind | undefined {
    const key = entry.message?.key;
    if (key === undefined) return undefined;
    const next = this.#busy.get(key)?.shift();
    if (next === undefined) {
      this.#busy.delete(key);
      return undefined;
    }
    this.#behind--;
    next.entry.turn = true;
    return next;
  }

  /** All that wait here, which it forgets. */
  clear(): readonly Behind[] {
    const all = [...this.#busy.values()].flat();
    for (const waiting of this.#busy.values()) waiting.length = 0;
    this.#behind = 0;
    return all;
  }
}
