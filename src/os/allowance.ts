/** As much more memory V8 is told to have, for a moment, so that it collects. */
const pressBytes = 512 * 1024 * 1024;

/**
 * How much there may be of something that comes back by garbage collection alone. V8 weighs memory that is mapped as it likes, some of it
 * and in some versions not at all, so it is asked to collect in time.
 */
export class Allowance {
  readonly most: number;
  #taken = 0;
  /** Since V8 was last asked. */
  #fresh = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** What is taken now. */
  get taken(): number {
    return this.#taken;
  }

  fits(amount: number): boolean {
    return this.#taken + amount <= this.most;
  }

  /** Asks V8 by `press` to collect, when more than half is taken and as much has been taken since it was last asked. */
  take(amount: number, press: (bytes: number) => void): void {
    this.#taken += amount;
    this.#fresh += amount;
    if (2 * Math.min(this.#taken, this.#fresh) <= this.most) return;
    this.#fresh = 0;
    press(pressBytes);
  }

  give(amount: number): void {
    this.#taken -= amount;
  }
}
