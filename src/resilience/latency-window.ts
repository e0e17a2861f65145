import { Histogram } from "../base/histogram.ts";
import { bounded, boundedWhole } from "./bounded.ts";

export interface LatencyWindowOptions {
  /** What is older says nothing any more, 1,000 to 3,600,000 ms; it leaves in halves. Default 60,000. */
  readonly windowMs?: number;
  /** How old an answer about percentiles may be. Default 3,000 ms (Finagle). */
  readonly refreshMs?: number;
  /** With fewer samples in the window no percentile is known. Default 100. */
  readonly samplesMin?: number;
}

/** The percentiles of what recent requests took, in fixed memory. */
export class LatencyWindow {
  readonly #halfMs: number;
  readonly #refreshMs: number;
  readonly #samplesMin: number;
  #current = new Histogram();
  #previous = new Histogram();
  #turnAt: number;
  /** What is answered from, until it is too old. */
  #view = new Histogram();
  #viewUntil = -Infinity;
  #asked = NaN;
  #answer = NaN;

  constructor(options: LatencyWindowOptions, now: number) {
    this.#halfMs = bounded("windowMs", options.windowMs ?? 60_000, 1_000, 3_600_000) / 2;
    this.#refreshMs = bounded("refreshMs", options.refreshMs ?? 3_000, 0, this.#halfMs);
    this.#samplesMin = boundedWhole("samplesMin", options.samplesMin ?? 100, 1, 1_000_000);
    this.#turnAt = now + this.#halfMs;
  }

  record(ms: number, now: number): void {
    if (now >= this.#turnAt) this.#turn(now);
    this.#current.record(ms);
  }

  /** The duration in milliseconds that the share `quantile` (0.95) does not exceed, within an eighth; NaN while too few are known. */
  quantileMs(quantile: number, now: number): number {
    if (now >= this.#viewUntil) this.#refresh(now);
    else if (quantile === this.#asked) return this.#answer;
    this.#asked = quantile;
    const known = this.#view.count >= this.#samplesMin;
    this.#answer = known ? this.#view.quantileMs(quantile) : NaN;
    return this.#answer;
  }

  #refresh(now: number): void {
    if (now >= this.#turnAt) this.#turn(now);
    this.#view = new Histogram();
    this.#view.add(this.#previous);
    this.#view.add(this.#current);
    this.#viewUntil = now + this.#refreshMs;
  }

  #turn(now: number): void {
    const idle = now >= this.#turnAt + this.#halfMs;
    this.#previous = idle ? new Histogram() : this.#current;
    this.#current = new Histogram();
    this.#turnAt = now + this.#halfMs;
  }
}
