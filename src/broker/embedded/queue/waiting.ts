import type { Entry } from "./entry.ts";
import type { WindowBudget } from "./window-budget.ts";

/** What an entry takes in memory beside the bytes of its message: many small messages are many entries. */
const entryBytes = 200;

/** Entries of one lane in the order of their places: taken at the head, new ones at the end, those that come back near the head. */
export class Waiting {
  /** Those before the head are gone. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  readonly #budget: WindowBudget;

  constructor(budget: WindowBudget) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get first(): Entry | undefined {
    return this.#entries[this.#head];
  }

  add(entry: Entry): void {
    const entries = this.#entries;
    this.#count(entry.bytes, 1);
    if (this.size === 0 || entries[entries.length - 1]!.seq < entry.seq) {
      entries.push(entry);
      return;
    }
    const at = this.#lowerBound(entry.seq);
    if (at === this.#head && at > 0) entries[--this.#head] = entry;
    else entries.splice(at, 0, entry);
  }

  take(): Entry | undefined {
    if (this.size === 0) return undefined;
    const entry = this.#entries[this.#head]!;
    this.#entries[this.#head++] = undefined;
    this.#count(-entry.bytes, -1);
    if (this.#head === this.#entries.length) {
      this.#entries.length = 0;
      this.#head = 0;
    } else if (this.#head > 1_024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }

  find(seq: number): Entry | undefined {
    const entry = this.#entries[this.#lowerBound(seq)];
    return entry?.seq === seq ? entry : undefined;
  }

  /** False: it was not there. */
  remove(seq: number): boolean {
    const at = this.#lowerBound(seq);
    const entry = this.#entries[at];
    if (entry?.seq !== seq) return false;
    if (at === this.#head) this.take();
    else {
      this.#count(-entry.bytes, -1);
      this.#entries.splice(at, 1);
    }
    return true;
  }

  /** The first ones, in their order; they stay. */
  list(limit: number): readonly Entry[] {
    return this.#entries.slice(this.#head, this.#head + limit) as Entry[];
  }

  clear(): void {
    this.#count(-this.#bytes, -this.size);
    this.#entries = [];
    this.#head = 0;
  }

  #count(bytes: number, entries: number): void {
    this.#bytes += bytes;
    this.#budget.use(bytes + entries * entryBytes);
  }

  #lowerBound(seq: number): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
