import type { Random } from "../base/random.ts";
import { bounded, boundedWhole } from "./bounded.ts";
import { effects, type OutcomeKind } from "./outcome.ts";
import { RollingSum } from "./rolling-sum.ts";

export interface ThrottleOptions {
  /** Nothing is refused while the service accepts one of so many, 1 to 100. Default 2. Lower is stricter. */
  readonly k?: number;
  /** The time over which is counted, 1,000 to 600,000 ms; at least as long as the longest call. Default 120,000. */
  readonly windowMs?: number;
  /** Below so many requests in the window nothing is refused: one failure of one request says nothing. Default 20. */
  readonly requestsMin?: number;
  /** One request is let through at least so often, 10 to 600,000 ms, so that a client that asks rarely hears of a recovery. Default 1,000. */
  readonly probeMs?: number;
}

/**
 * Refuses a growing share of requests here while the service turns most of them down, so that it can recover: with the probability
 * `max(0, (requests - k * accepts) / (requests + 1))`. Client-side throttling of Google's SRE book, chapter 21. A request counts
 * from its end on, and one refused here too. Not counted at all is what says nothing of overload: lost or unanswered, cancelled, refused by one of our
 * own gates, or nobody listened.
 */
export class Throttle {
  readonly #k: number;
  readonly #requestsMin: number;
  readonly #requests: RollingSum;
  readonly #accepts: RollingSum;
  readonly #random: Random;
  readonly #probeMs: number;
  #passedAt = -Infinity;
  /** Sent and not answered: they say nothing yet, so that the first burst of a client is not taken for an overload. */
  #pending = 0;

  constructor(options: ThrottleOptions, random: Random, now: number) {
    this.#k = bounded("throttle k", options.k ?? 2, 1, 100);
    this.#requestsMin = boundedWhole("throttle requestsMin", options.requestsMin ?? 20, 1, 1e9);
    this.#probeMs = bounded("throttle probeMs", options.probeMs ?? 1_000, 10, 600_000);
    const windowMs = bounded("throttle windowMs", options.windowMs ?? 120_000, 1_000, 600_000);
    this.#requests = new RollingSum(windowMs, now);
    this.#accepts = new RollingSum(windowMs, now);
    this.#random = random;
  }

  /** Counts the request, and says whether it may be sent. Release only what was. */
  tryAcquire(now: number): boolean {
    const refused = this.rejectionRate(now);
    this.#requests.add(1, now);
    if (refused > 0 && this.#random() < refused && now < this.#passedAt + this.#probeMs)
      return false;
    this.#passedAt = now;
    this.#pending++;
    return true;
  }

  release(outcome: OutcomeKind, now: number): void {
    const { limit } = effects[outcome];
    if (this.#pending > 0) this.#pending--;
    if (limit === "sample" || limit === "slow") this.#accepts.add(1, now);
    else if (outcome !== "overload") this.#requests.add(-1, now);
  }

  /** The share of requests that is refused now, 0 to below 1. */
  rejectionRate(now: number): number {
    const requests = this.#requests.sum(now) - this.#pending;
    if (requests < this.#requestsMin) return 0;
    return Math.max(0, (requests - this.#k * this.#accepts.sum(now)) / (requests + 1));
  }
}
