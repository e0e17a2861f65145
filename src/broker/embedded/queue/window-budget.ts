/** Messages of one lane that may wait in memory even when there is no room left for more. */
const leastOfLane = 16;

/** How much of what waits may be in memory, over all queues. */
export class WindowBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  use(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Whether a lane with so many messages in memory may have one more. */
  has(bytes: number, ofLane: number): boolean {
    return ofLane < leastOfLane || this.#bytes + bytes <= this.#bytesMax;
  }
}
