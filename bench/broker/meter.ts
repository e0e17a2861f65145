/** What a load tells when it has ended. */
export interface LoadAnswer {
  /** Messages confirmed a second, and consumed a second where there is a consumer, in the measured time. */
  readonly perSecond: number;
  /** From sending to the confirm, in microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** Confirmed in all, before and after the measured time too. */
  readonly total: number;
  /** Of those consumed: how many came before one that was sent earlier. */
  readonly disordered: number;
  /** Of the client's process, in all. */
  readonly cpuUs: number;
}

/** What the rate is of. Of both: the smaller one. */
export type Measured = "confirmed" | "consumed" | "both" | "both, each once";

const timesMax = 4_000_000;
const times = new Float32Array(timesMax);

/** Counts what is confirmed and consumed; the first part of the time warms up. */
export class Meter {
  readonly #from = performance.now();
  readonly #measuredFrom: number;
  readonly #until: number;
  readonly #cpuAt = process.cpuUsage();
  readonly #measured: Measured;
  #confirmed = 0;
  #confirmedMeasured = 0;
  #consumed = 0;
  #consumedMeasured = 0;
  #disordered = 0;
  /** Their sum, which tells whether each came once. */
  #numbers = 0;
  #timed = 0;

  constructor(seconds: number, measured: Measured) {
    const ms = seconds * 1_000;
    this.#measuredFrom = this.#from + ms / 3;
    this.#until = this.#measuredFrom + ms;
    this.#measured = measured;
  }

  get confirmed(): number {
    return this.#confirmed;
  }

  get consumed(): number {
    return this.#consumed;
  }

  get leftMs(): number {
    return this.#until - performance.now();
  }

  /** The time is over: nothing more is to be sent. */
  over(now: number): boolean {
    return now >= this.#until;
  }

  /** Sent then, confirmed now. */
  confirm(sentAt: number, now: number): void {
    this.#confirmed++;
    if (now < this.#measuredFrom || now > this.#until) return;
    this.#confirmedMeasured++;
    if (this.#timed < timesMax) times[this.#timed++] = now - sentAt;
  }

  /** A message came, by its number from 0 on. */
  consume(number: number, now: number): void {
    if (number !== this.#consumed) this.#disordered++;
    this.#numbers += number;
    this.#consumed++;
    if (now >= this.#measuredFrom && now <= this.#until) this.#consumedMeasured++;
  }

  #through(): number {
    if (this.#measured === "confirmed") return this.#confirmedMeasured;
    if (this.#measured === "consumed") return this.#consumedMeasured;
    return Math.min(this.#confirmedMeasured, this.#consumedMeasured);
  }

  /** What was measured. Throws when not each message came once. */
  answer(): LoadAnswer {
    const sum = (this.#confirmed * (this.#confirmed - 1)) / 2;
    const complete = this.#consumed === this.#confirmed && this.#numbers === sum;
    if (this.#measured === "both, each once" && !complete)
      throw new Error(`of ${this.#confirmed} messages ${this.#consumed} came, or not each once`);
    const { user, system } = process.cpuUsage(this.#cpuAt);
    const sorted = times.subarray(0, this.#timed).toSorted();
    const at = (share: number): number =>
      (sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 1_000;
    return {
      perSecond: (this.#through() * 1_000) / (this.#until - this.#measuredFrom),
      p50Us: at(0.5),
      p99Us: at(0.99),
      total: this.#confirmed,
      disordered: this.#disordered,
      cpuUs: user + system,
    };
  }
}
