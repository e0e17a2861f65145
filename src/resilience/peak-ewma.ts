import { bounded } from "./bounded.ts";

export interface PeakEwmaOptions {
  /** In this time two thirds of what is known are forgotten, 1 to 600,000 ms. Default 10,000. */
  readonly tauMs?: number;
}

/** What a failure counts as, at least: an endpoint that fails fast must not look fast. */
export const penaltyMs = 5_000;
/** What it counts as, at most, whatever the server says. */
const penaltyMsMax = 300_000;
/** The guess for an endpoint that nobody knows; where others are known, their median is a better one. */
export const defaultSeedMs = 30;
/**
 * A new endpoint never looks faster than this: with a seed of zero all requests would go there at once. Linkerd has 1 ms; neighbours of one
 * host answer in less than a tenth of that, and beside those it would be asked last for as long as the guess lasts.
 */
const seedMsMin = 0.05;
/** So that what is known of an endpoint never says that requests there are free. */
const valueMsMin = 0.001;

/**
 * How long requests to an endpoint take: an exponentially weighted average that follows a rise at once and a fall slowly, and sinks
 * while nothing is heard, so that a slow endpoint is tried again. Finagle's `PeakEwma` with the failure penalty of Linkerd's load biaser.
 */
export class PeakEwma {
  readonly #tauMs: number;
  #valueMs: number;
  #at: number;

  constructor(options: PeakEwmaOptions, seedMs: number, now: number) {
    this.#tauMs = bounded("tauMs", options.tauMs ?? 10_000, 1, 600_000);
    this.#valueMs = Math.max(seedMsMin, seedMs);
    this.#at = now;
  }

  /** An answer came after `ms`. */
  observe(ms: number, now: number): void {
    const kept = this.#kept(now);
    // A rise counts whole. Compared with what is left of the old value: one that nobody has seen for long says nothing.
    if (ms > this.#valueMs * kept) this.#set(ms, now);
    else this.#set(ms * (1 - kept) + this.#valueMs * kept, now);
  }

  /** A failure: counts as `penaltyMs`, or longer where the server asks for it (`hintMs`), never less than what is known. */
  penalize(hintMs: number | undefined, now: number): void {
    const asked = Math.min(penaltyMsMax, Math.max(penaltyMs, hintMs ?? 0));
    this.#set(Math.max(asked, this.value(now)), now);
  }

  /** Given up after `ms`: it would have taken that long at least. Counts only where it is above what is known. */
  observeElapsed(ms: number, now: number): void {
    if (ms > this.value(now)) this.#set(ms, now);
  }

  /** Begins anew with what one answer took: it is well again, and what it did before says nothing any more. */
  restart(ms: number, now: number): void {
    this.#set(Math.max(seedMsMin, ms), now);
  }

  /** What one request can be expected to take, in milliseconds; above 0. */
  value(now: number): number {
    return Math.max(valueMsMin, this.#valueMs * this.#kept(now));
  }

  #kept(now: number): number {
    const age = Math.max(0, now - this.#at) / this.#tauMs;
    // Of what was seen just now: the beginning of the series, right to a millionth, in a tenth of the time.
    return age < 0.01 ? 1 - age + (age * age) / 2 : Math.exp(-age);
  }

  #set(ms: number, now: number): void {
    this.#valueMs = ms;
    this.#at = Math.max(this.#at, now);
  }
}
