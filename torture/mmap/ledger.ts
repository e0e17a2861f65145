import type { Line } from "../log.ts";

/** What went wrong, and how much there was. */
export interface Judgement {
  readonly messages: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly told: readonly string[];
}

/** What is known of the messages of one ring, as those who wrote and read them say. */
export class Ledger {
  /** Since the last judgement. */
  readonly #confirmed = new Set<string>();
  /** How often each was delivered, as it was said with the last delivery. */
  readonly #attempts = new Map<string, number>();
  /** Somebody was about to settle it; he may have died before he knew that he had. */
  readonly #settled = new Set<string>();
  /** Somebody knew that he had settled it. */
  readonly #done = new Set<string>();
  /** Of each writer: the last one that came for the first time. */
  readonly #latest = new Map<string, number>();
  #told: string[] = [];
  #doubled = 0;
  #reordered = 0;

  /** Reads what a process wrote of itself. */
  read(lines: readonly Pick<Line, "what" | "rest">[]): void {
    for (const { what, rest } of lines) {
      const [id = "", attempt] = rest;
      if (what === "confirmed") this.#confirmed.add(id);
      else if (what === "got") this.#got(id, Number(attempt));
      else if (what === "settles") this.#settled.add(id);
      else if (what === "done") this.#done.add(id);
      else if (what === "torn") this.#told.push(`${id} came, and is not what was written`);
    }
  }

  /** When the ring is empty: nothing is on its way. */
  judge(): Judgement {
    const lost = [...this.#confirmed].filter((id) => !this.#settled.has(id));
    const messages = this.#confirmed.size;
    const told = [
      ...this.#told,
      ...lost.map((id) => `${id} was confirmed, and nobody has settled it`),
    ];
    const judgement = {
      messages,
      lost: lost.length,
      doubled: this.#doubled,
      reordered: this.#reordered,
      told,
    };
    this.#confirmed.clear();
    this.#told = [];
    this.#doubled = this.#reordered = 0;
    return judgement;
  }

  #got(id: string, attempt: number): void {
    if (this.#done.has(id)) {
      this.#doubled++;
      this.#told.push(`${id} came again after it was settled`);
    }
    const before = this.#attempts.get(id);
    this.#attempts.set(id, attempt);
    if (before !== undefined) {
      if (attempt <= before) this.#told.push(`${id} came with attempt ${attempt} after ${before}`);
      return;
    }
    const at = id.lastIndexOf(".");
    const [writer, n] = [id.slice(0, at), Number(id.slice(at + 1))];
    const latest = this.#latest.get(writer) ?? -1;
    // The next one of each writer, always: what it wrote before it died is there to the last message.
    if (n !== latest + 1) {
      this.#reordered++;
      this.#told.push(`${id} came for the first time after ${writer}.${latest}`);
    }
    this.#latest.set(writer, n);
  }
}
