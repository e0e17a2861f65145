/** More slices forget more smoothly and cost more memory; ten is what Finagle, Hystrix and Linkerd have. */
const slices = 10;

/**
 * A sum over the last `windowMs`, exact but for its oldest tenth: what is older leaves slice by slice. Rate independent, unlike an
 * average that decays: a burst and the same requests spread over the window give the same sum. Whole numbers keep it exact.
 */
export class RollingSum {
  readonly #sliceMs: number;
  readonly #amounts = new Float64Array(slices);
  #slice: number;
  /** The instant at which the slice is over: what most look-ups have to compare with. */
  #sliceEnd: number;
  #total = 0;

  constructor(windowMs: number, now: number) {
    this.#sliceMs = windowMs / slices;
    this.#slice = Math.floor(now / this.#sliceMs);
    this.#sliceEnd = (this.#slice + 1) * this.#sliceMs;
  }

  add(amount: number, now: number): void {
    if (now >= this.#sliceEnd) this.#advance(now);
    this.#amounts[this.#slice % slices]! += amount;
    this.#total += amount;
  }

  sum(now: number): number {
    if (now >= this.#sliceEnd) this.#advance(now);
    return this.#total;
  }

  clear(): void {
    this.#amounts.fill(0);
    this.#total = 0;
  }

  #advance(now: number): void {
    const slice = Math.floor(now / this.#sliceMs);
    const passed = slice - this.#slice;
    if (passed >= slices) this.clear();
    else
      for (let gone = this.#slice + 1; gone <= slice; gone++) {
        this.#total -= this.#amounts[gone % slices]!;
        this.#amounts[gone % slices] = 0;
      }
    this.#slice = slice;
    this.#sliceEnd = (slice + 1) * this.#sliceMs;
  }
}
