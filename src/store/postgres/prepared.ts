import { crc32 } from "node:zlib";

/** Before a statement is prepared it is seen so often: what is run once is not kept by every connection. */
const timesMin = 3;
/** Statements that a connection keeps for us, at most. */
const namesMax = 50;
/** Texts that are counted, at most. */
const countedMax = 1_000;

/**
 * Names for statements that come again and again in transactions, under which the server keeps them parsed and planned. A name
 * follows from its text, so that all processes behind one pool of connections mean the same by it.
 */
export class Prepared {
  readonly #times = new Map<string, number>();
  readonly #names = new Map<string, string>();

  /** Empty: it is not worth one. */
  nameOf(text: string): string {
    const name = this.#names.get(text);
    if (name !== undefined) return name;
    if (this.#names.size >= namesMax) return "";
    const times = (this.#times.get(text) ?? 0) + 1;
    if (times < timesMin) {
      if (this.#times.size >= countedMax) this.#times.clear();
      this.#times.set(text, times);
      return "";
    }
    const made = `trunkline_${crc32(text).toString(36)}`;
    this.#times.delete(text);
    this.#names.set(text, made);
    return made;
  }
}
