/** Something that waits. What waits extends it, so that it can leave from anywhere in the queue at once. */
export abstract class Waiting {
  /** Internal to the queue. */
  queue: SojournQueue<Waiting> | undefined = undefined;
  /** Internal to the queue. */
  before: Waiting | undefined = undefined;
  /** Internal to the queue. */
  after: Waiting | undefined = undefined;
  /** Since when it waits. */
  since = 0;
  /** The instant after which nobody wants it. */
  readonly deadlineAt: number;

  constructor(deadlineAt: number) {
    this.deadlineAt = deadlineAt;
  }
}

export interface SojournQueueOptions {
  /** The most that may wait. Default 1,000. */
  readonly lengthMax?: number;
  /** The longest that anything waits, in milliseconds. Default 100. */
  readonly sojournMs?: number;
  /** The longest while the queue is overloaded, in milliseconds. Default 5. */
  readonly overloadedMs?: number;
}

/**
 * A queue that is bounded in length and in time. First in, first out; when it has not been empty for `sojournMs` it is
 * overloaded: then the newest goes first, for it alone still has time enough, and nobody waits longer than `overloadedMs`
 * (Nichols' and Jacobson's CoDel as Facebook uses it for requests: Maurer, "Fail at Scale", 2015). A pure state machine.
 */
export class SojournQueue<T extends Waiting> {
  readonly #lengthMax: number;
  readonly #sojournMs: number;
  readonly #overloadedMs: number;
  #oldest: T | undefined;
  #newest: T | undefined;
  #size = 0;
  #emptyAt = -Infinity;

  constructor(options: SojournQueueOptions = {}) {
    this.#lengthMax = options.lengthMax ?? 1_000;
    this.#sojournMs = options.sojournMs ?? 100;
    this.#overloadedMs = Math.min(this.#sojournMs, options.overloadedMs ?? 5);
  }

  get size(): number {
    return this.#size;
  }

  overloaded(now: number): boolean {
    return this.#size > 0 && now - this.#emptyAt > this.#sojournMs;
  }

  /** False when it is full: the entry was not taken. */
  push(entry: T, now: number): boolean {
    if (this.#size >= this.#lengthMax) return false;
    if (this.#size === 0) this.#emptyAt = now;
    entry.queue = this as unknown as SojournQueue<Waiting>;
    entry.since = now;
    entry.before = this.#newest;
    entry.after = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.after = entry;
    this.#newest = entry;
    this.#size++;
    return true;
  }

  /** Who is next; nobody whose time is over: `expired` gives those. */
  take(now: number): T | undefined {
    const newestFirst = this.overloaded(now);
    let entry = newestFirst ? this.#newest : this.#oldest;
    while (entry !== undefined && this.#over(entry, now))
      entry = (newestFirst ? entry.before : entry.after) as T | undefined;
    if (entry !== undefined) this.remove(entry, now);
    return entry;
  }

  /** Takes out whose time is over, the oldest first. */
  expired(now: number): T[] {
    const over: T[] = [];
    let entry = this.#oldest;
    while (entry !== undefined) {
      const next = entry.after as T | undefined;
      if (this.#over(entry, now)) over.push(entry);
      entry = next;
    }
    for (const each of over) this.remove(each, now);
    return over;
  }

  /** The next instant at which somebody's time is over; Infinity when nobody waits. */
  dueAt(now: number): number {
    const longest = this.#longestMs(now);
    let due = Infinity;
    for (let entry = this.#oldest; entry !== undefined; entry = entry.after as T | undefined)
      due = Math.min(due, entry.since + longest, entry.deadlineAt);
    return due;
  }

  /** Leaves at once, wherever it stands. Nothing happens when it does not wait here. */
  remove(entry: T, now: number): void {
    if (entry.queue !== (this as unknown as SojournQueue<Waiting>)) return;
    entry.queue = undefined;
    if (entry.before === undefined) this.#oldest = entry.after as T | undefined;
    else entry.before.after = entry.after;
    if (entry.after === undefined) this.#newest = entry.before as T | undefined;
    else entry.after.before = entry.before;
    entry.before = entry.after = undefined;
    if (--this.#size === 0) this.#emptyAt = now;
  }

  #over(entry: T, now: number): boolean {
    return now >= entry.deadlineAt || now - entry.since > this.#longestMs(now);
  }

  #longestMs(now: number): number {
    return this.overloaded(now) ? this.#overloadedMs : this.#sojournMs;
  }
}
