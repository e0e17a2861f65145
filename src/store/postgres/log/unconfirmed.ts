/** Rows that are remembered until they are gone, at most, and commits behind one that is not done. */
const rowsMax = 100_000;
/** The log is kept for a transaction that is not wholly confirmed for so long at most, in milliseconds. */
const keptMs = 60_000;

interface Committed {
  readonly end: bigint;
  readonly at: number;
  readonly seqs: readonly number[];
  left: number;
}

/**
 * How much of a log is not needed any more: all up to the last commit before which every row is gone from the outbox, confirmed or given
 * up (OB-10). Where nothing is pending, all that was read.
 *
 * A lane that stands still, or a broker that is away, would so have the server keep its log without end. What is older than a minute, or
 * too much, is let go: the rows themselves are in the table, and are read from there.
 */
export class Unconfirmed {
  readonly #commits: Committed[] = [];
  readonly #of = new Map<number, Committed>();
  #open: number[] = [];
  #read = 0n;
  #confirmed = 0n;

  /** Up to here it is not needed. */
  get confirmed(): bigint {
    return this.#confirmed;
  }

  /** Up to here it was read. */
  get read(): bigint {
    return this.#read;
  }

  get rows(): number {
    return this.#of.size;
  }

  inserted(seq: number): void {
    if (this.#open.length < rowsMax) this.#open.push(seq);
  }

  committed(end: bigint, now: number): void {
    const seqs = this.#open;
    this.#open = [];
    this.#read = end;
    const commit = { end, at: now, seqs, left: seqs.length };
    for (const seq of seqs) this.#of.set(seq, commit);
    this.#commits.push(commit);
    this.#goOn(now);
  }

  /** The server has nothing to tell up to here. */
  quiet(end: bigint, now: number): void {
    if (this.#open.length > 0) return; // said in the middle of a transaction
    if (end > this.#read) this.#read = end;
    this.#goOn(now);
  }

  /** The first rows that were committed before `at`. */
  pending(at: number, limit: number): number[] {
    const found: number[] = [];
    for (const commit of this.#commits) {
      if (commit.at > at || found.length >= limit) break;
      for (const seq of commit.seqs) if (this.#of.has(seq)) found.push(seq);
    }
    return found.slice(0, limit);
  }

  gone(seqs: Iterable<number>, now: number): void {
    for (const seq of seqs) this.#drop(seq);
    this.#goOn(now);
  }

  #drop(seq: number): void {
    const commit = this.#of.get(seq);
    if (commit === undefined) return;
    this.#of.delete(seq);
    commit.left--;
  }

  #goOn(now: number): void {
    const commits = this.#commits;
    let done = 0;
    for (const commit of commits) {
      const many = this.#of.size > rowsMax || commits.length - done > rowsMax;
      const over = many || now - commit.at > keptMs;
      if (over) for (const seq of commit.seqs) this.#drop(seq);
      if (commit.left > 0) break;
      this.#confirmed = commit.end;
      done++;
    }
    if (done > 0) commits.splice(0, done);
    if (commits.length === 0) this.#confirmed = this.#read;
  }
}
