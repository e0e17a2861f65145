/** In the place of a batch: a queue had no place for the message. */
const refused = -1;

/** What tells a publisher what became of its messages. */
export interface ConfirmTeller {
  acknowledge(tag: number, multiple: boolean): void;
  refuse(tag: number): void;
}

/** Where settled ones are forgotten. */
const forgottenFrom = 1_024;

/**
 * The confirms of one channel: in the order of publishing, one for as many as are safe in a row. There is no other way for them to go,
 * so that no later one overtakes an earlier one that speaks for several.
 */
export class Confirms {
  readonly #teller: ConfirmTeller;
  /** Of each message the batch that makes it safe. */
  #batches: number[] = [];
  #from = 0;
  /** The tag of `#batches[0]`. */
  #first = 1;

  constructor(teller: ConfirmTeller) {
    this.#teller = teller;
  }

  get waiting(): number {
    return this.#batches.length - this.#from;
  }

  /** A message was published; it is safe with that batch, 0: already. */
  published(batch: number, isRefused: boolean): void {
    this.#batches.push(isRefused ? refused : batch);
  }

  /** All batches up to this one are safe. */
  tell(safe: number): void {
    const batches = this.#batches;
    const begin = this.#from;
    let from = begin;
    let told = begin;
    for (; from < batches.length; from++) {
      const batch = batches[from]!;
      if (batch > safe) break;
      if (batch !== refused) continue;
      this.#acknowledge(told, from);
      this.#teller.refuse(this.#first + from);
      told = from + 1;
    }
    this.#acknowledge(told, from);
    this.#from = from;
    if (from === batches.length) this.#forget([]);
    else if (from > forgottenFrom && from * 2 > batches.length) this.#forget(batches.slice(from));
  }

  #acknowledge(from: number, to: number): void {
    if (to > from) this.#teller.acknowledge(this.#first + to - 1, to - from > 1);
  }

  #forget(rest: number[]): void {
    this.#first += this.#from;
    this.#batches = rest;
    this.#from = 0;
  }
}
