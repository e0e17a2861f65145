import type { Envelope } from "../envelope.ts";

/** One message in one group. */
export interface Entry {
  readonly envelope: Envelope;
  /** Rises with each message of the store: the order of publishing. */
  readonly seq: number;
  readonly priority: number;
  /** Deliveries so far. */
  attempts: number;
}

/** What waits in a shard: by priority, then in the order of publishing, wherever it comes from. */
export class Waiting {
  /** Those before the head are gone. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** At its place: new ones at the end in constant time, released ones near the head. */
  add(entry: Entry): void {
    const entries = this.#entries;
    const last = entries.at(-1);
    if (this.size === 0 || !before(entry, last!)) {
      entries.push(entry);
      return;
    }
    let low = this.#head;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(entry, entries[middle]!)) high = middle;
      else low = middle + 1;
    }
    if (low === this.#head && low > 0) entries[--this.#head] = entry;
    else entries.splice(low, 0, entry);
  }

  take(): Entry | undefined {
    if (this.size === 0) return undefined;
    const entry = this.#entries[this.#head]!;
    this.#entries[this.#head++] = undefined;
    if (this.#head === this.#entries.length) this.clear();
    else if (this.#head > 1_024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }

  /** All of them, in their order; they stay. */
  list(): readonly Entry[] {
    return this.#entries.slice(this.#head) as Entry[];
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority;
}
