import { isTrunklineError } from "trunkline";

/** What is counted; also the keys of the report. */
export const counted = [
  "calls",
  "streams",
  "items",
  "uploads",
  "duplexes",
  "notifications",
  "large",
  "declared",
  "crashed",
  "invalid",
  "late",
  "cancelled",
  "left",
  "connections",
  "children",
  "lost",
] as const;

export type Counted = (typeof counted)[number];

export type Counts = Record<Counted, number>;

/** What has not ended after this long never will: all that is asked has a deadline of ten seconds at most. */
const hungMs = 20_000;

/** The first ones tell; a run that fails all the time need not tell each. */
const failuresMax = 50;

/** An answer that is not what it must be. */
export class Wrong extends Error {}

interface Work {
  readonly what: string;
  readonly since: number;
}

/** Keeps the books: what was done, what is under way, and all that should not have been. */
export class Ledger {
  readonly counts: Counts = Object.fromEntries(counted.map((each) => [each, 0])) as Counts;
  readonly failures: string[] = [];
  hung = 0;
  untyped = 0;
  readonly #underWay = new Set<Work>();
  #idle: (() => void) | undefined;

  add(what: Counted, count: number = 1): void {
    this.counts[what] += count;
  }

  /** Does it, and judges how it ends. A failure with one of the codes of `lost` is the price of a server that restarts. */
  async does(what: string, work: () => Promise<void>, lost: readonly string[] = []): Promise<void> {
    const entry = { what, since: performance.now() };
    this.#underWay.add(entry);
    try {
      await work();
    } catch (error) {
      this.#judge(what, error, lost);
    } finally {
      if (this.#underWay.delete(entry) && this.#underWay.size === 0) this.#idle?.();
    }
  }

  /** Resolves when nothing is under way. What hangs is counted, and given up. */
  async rest(): Promise<void> {
    if (this.#underWay.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    const timer = setTimeout(resolve, hungMs);
    await promise;
    clearTimeout(timer);
    this.#idle = undefined;
    for (const { what, since } of this.#underWay) {
      this.hung++;
      this.fail(`${what} has not ended after ${Math.round(performance.now() - since)} ms`);
    }
    this.#underWay.clear();
  }

  fail(message: string): void {
    if (this.failures.length < failuresMax) this.failures.push(message);
  }

  #judge(what: string, error: unknown, lost: readonly string[]): void {
    if (error instanceof Wrong) return this.fail(`${what}: ${error.message}`);
    if (!isTrunklineError(error)) {
      this.untyped++;
      return this.fail(`${what} failed with what is no TrunklineError: ${String(error)}`);
    }
    if (lost.includes(error.code)) return this.add("lost");
    this.fail(`${what} failed with ${error.code}, executed ${error.executed}: ${error.message}`);
  }
}
