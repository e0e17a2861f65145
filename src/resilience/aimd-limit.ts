import { bounded, boundedWhole } from "./bounded.ts";
import { effects, type OutcomeKind } from "./outcome.ts";

export interface AimdLimitOptions {
  /** Bounds of the limit, and where it begins. Default 1, 20, 200. */
  readonly min?: number;
  readonly initial?: number;
  readonly max?: number;
  /** What is left of the limit after a drop, above 0 and below 1. Default 0.9. */
  readonly keep?: number;
  /** An answer that took longer counts as a drop, 1 to 3,600,000 ms. Default 5,000. */
  readonly slowMs?: number;
}

/**
 * How much one endpoint may have to do for us at once: one more with each answer while at least half of it is used, a tenth less when
 * something was dropped or took too long. Additive increase, multiplicative decrease, as TCP and Netflix's `AIMDLimit`; like TCP it shrinks
 * once for all that was sent before it shrank, so that one lost connection does not count as a hundred drops.
 */
export class AimdLimit {
  readonly #min: number;
  readonly #max: number;
  readonly #keep: number;
  readonly #slowMs: number;
  #limit: number;
  #inFlight = 0;
  #shrankAt = -Infinity;

  constructor(options: AimdLimitOptions) {
    this.#min = boundedWhole("limit min", options.min ?? 1, 1, 1_000_000);
    const highest = Math.max(200, this.#min, options.initial ?? 0);
    this.#max = boundedWhole("limit max", options.max ?? highest, this.#min, 1_000_000);
    const first = options.initial ?? Math.min(this.#max, Math.max(this.#min, 20));
    this.#limit = boundedWhole("limit initial", first, this.#min, this.#max);
    this.#keep = bounded("limit keep", options.keep ?? 0.9, 0.01, 0.99);
    this.#slowMs = bounded("limit slowMs", options.slowMs ?? 5_000, 1, 3_600_000);
  }

  /** How much may be under way now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** True: it may begin. To be released once. */
  tryAcquire(): boolean {
    if (this.#inFlight >= this.limit) return false;
    this.#inFlight++;
    return true;
  }

  release(outcome: OutcomeKind, elapsedMs: number, now: number): void {
    const used = this.#inFlight;
    if (used > 0) this.#inFlight--;
    const effect = effects[outcome].limit;
    if (effect === "ignore") return;
    if (effect === "drop" || elapsedMs > this.#slowMs) this.#shrink(now - elapsedMs, now);
    else if (used * 2 >= this.#limit) this.#limit = Math.min(this.#max, this.#limit + 1);
  }

  #shrink(begunAt: number, now: number): void {
    if (begunAt < this.#shrankAt) return;
    this.#limit = Math.max(this.#min, this.#limit * this.#keep);
    this.#shrankAt = now;
  }
}
