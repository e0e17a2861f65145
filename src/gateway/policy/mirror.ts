import type { Env } from "../../base/env.ts";
import { TokenBucket } from "../../resilience/token-bucket.ts";

/** How much is copied. */
export interface MirrorTerms {
  /** The part of the requests that is copied, from 0 to 1. */
  readonly share: number;
  /** Copies under way, past which no more are made. */
  readonly outstandingMax: number;
  /** Copies in a second, past which no more are made. */
  readonly perSecond: number;
  /** Requests under way in the gateway, past which no copies are made: they are the first that it does without. */
  readonly busyAt: number;
}

/** What became of the copies. */
export interface MirrorStats {
  readonly sent: number;
  readonly dropped: number;
  readonly failed: number;
}

/**
 * Sends copies to somewhere else. Nobody waits for them, their answers are dropped, and their failures count nowhere but here.
 */
export class Mirror {
  readonly #terms: MirrorTerms;
  readonly #budget: TokenBucket;
  readonly #env: Env;
  #outstanding = 0;
  #sent = 0;
  #dropped = 0;
  #failed = 0;

  constructor(terms: MirrorTerms, env: Env) {
    this.#terms = terms;
    this.#budget = new TokenBucket({ perSec: terms.perSecond }, env.now());
    this.#env = env;
  }

  get stats(): MirrorStats {
    return { sent: this.#sent, dropped: this.#dropped, failed: this.#failed };
  }

  /** Copies, or not. `inFlight`: requests under way in the gateway. Never throws. */
  copy(inFlight: number, send: () => Promise<unknown>): void {
    const { share, outstandingMax, busyAt } = this.#terms;
    if (share < 1 && this.#env.random() >= share) return;
    if (
      inFlight > busyAt ||
      this.#outstanding >= outstandingMax ||
      !this.#budget.tryTake(this.#env.now())
    ) {
      this.#dropped++;
      return;
    }
    this.#outstanding++;
    this.#sent++;
    void this.#watch(send);
  }

  async #watch(send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
    } catch {
      this.#failed++;
    } finally {
      this.#outstanding--;
    }
  }
}
