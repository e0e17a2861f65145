/** How many numbers back one can still be told from a repetition. */
const windowNumbers = 256;

/** What the number of a datagram tells beside those of the same sender that came before it. */
export type Succession = "new" | "again" | "late";

/** The numbers of one sender: which came, which did not. They have 32 bits and wrap. */
export class Sequence {
  /** Numbers between those that came, and did not come themselves. */
  missing = 0;
  #highest: number;
  readonly #seen: number[] = Array.from({ length: windowNumbers }, () => -1);

  /** What came before the first one that we hear went to whoever was here then. */
  constructor(first: number) {
    this.#highest = (first - 1) >>> 0;
  }

  /** Takes in one more: `again` came before, `late` is so old that nobody can tell. */
  take(number: number): Succession {
    const ahead = (number - this.#highest) | 0;
    const slot = number % windowNumbers;
    if (ahead > 0) {
      this.missing += ahead - 1;
      this.#highest = number;
    } else if (ahead <= -windowNumbers) return "late";
    else if (this.#seen[slot] === number) return "again";
    else this.missing = Math.max(0, this.missing - 1);
    this.#seen[slot] = number;
    return "new";
  }
}

/** Senders whose numbers are known; past that the one goes that was heard of first. */
const sendersMax = 1_024;

/** The numbers of all senders that are heard. */
export class Sequences {
  readonly #bySender = new Map<string, Sequence>();
  /** Of those that went. */
  #missingBefore = 0;

  get missing(): number {
    let missing = this.#missingBefore;
    for (const sequence of this.#bySender.values()) missing += sequence.missing;
    return missing;
  }

  take(sender: string, number: number): Succession {
    let sequence = this.#bySender.get(sender);
    if (sequence === undefined) {
      if (this.#bySender.size >= sendersMax) this.#forget();
      this.#bySender.set(sender, (sequence = new Sequence(number)));
    }
    return sequence.take(number);
  }

  #forget(): void {
    const [[sender, { missing }]] = this.#bySender as unknown as [[string, Sequence]];
    this.#missingBefore += missing;
    this.#bySender.delete(sender);
  }
}
