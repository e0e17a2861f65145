import { bounded } from "./bounded.ts";
import { RollingSum } from "./rolling-sum.ts";

export interface RetryBudgetOptions {
  /** How many retries and hedges a successful request pays for, 0 to 1000. Default 0.2: at most a fifth more load. */
  readonly ratio?: number;
  /** Retries a second that are free, so that a client with little to do can retry at all; 0 or more. Default 10; 0 for hedges. */
  readonly minPerSec?: number;
  /** How long a deposit counts, 1,000 to 60,000 ms. Default 10,000. */
  readonly ttlMs?: number;
}

/** Tokens that a deposit brings. Whole numbers, so that what is taken and what expires come out even. */
const depositTokens = 1_000_000;

/**
 * Bounds retries and hedges together, whatever the failure: over any `ttlMs` at most `ratio` times the requests that succeeded, and
 * `minPerSec` a second beside. One for each service and client, shared by all its operations. Finagle's `RetryBudget`.
 */
export class RetryBudget {
  readonly #deposit: number;
  readonly #withdrawal: number;
  readonly #reserve: number;
  readonly #tokens: RollingSum;

  constructor(options: RetryBudgetOptions, now: number) {
    const ratio = bounded("retry budget ratio", options.ratio ?? 0.2, 0, 1_000);
    const minPerSec = bounded("retry budget minPerSec", options.minPerSec ?? 10, 0, 1_000_000);
    const ttlMs = bounded("retry budget ttlMs", options.ttlMs ?? 10_000, 1_000, 60_000);
    this.#deposit = ratio === 0 ? 0 : depositTokens;
    this.#withdrawal = ratio === 0 ? 1 : Math.max(1, Math.floor(depositTokens / ratio));
    this.#reserve = Math.floor((minPerSec * ttlMs) / 1_000) * this.#withdrawal;
    this.#tokens = new RollingSum(ttlMs, now);
  }

  /** A request succeeded (`effects[outcome].deposits`). */
  deposit(now: number): void {
    if (this.#deposit > 0) this.#tokens.add(this.#deposit, now);
  }

  /** True, and paid for: the retry or hedge may be sent. */
  tryWithdraw(now: number): boolean {
    if (this.#tokens.sum(now) + this.#reserve < this.#withdrawal) return false;
    this.#tokens.add(-this.#withdrawal, now);
    return true;
  }

  /** How many more retries may be sent now. */
  balance(now: number): number {
    return Math.max(0, Math.floor((this.#tokens.sum(now) + this.#reserve) / this.#withdrawal));
  }
}
