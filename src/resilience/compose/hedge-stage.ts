import { milliseconds, type Duration } from "../../base/duration.ts";
import { systemError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import { LatencyWindow } from "../latency-window.ts";
import { RetryBudget } from "../retry-budget.ts";
import type { Hold, Scope } from "./scope.ts";
import type { Inner, Place, Stage } from "./stage.ts";

export interface HedgeStageOptions {
  /** After how long the second one begins: a duration, or a percentile of what calls have taken lately. Default `p95`. */
  readonly delay?: Duration | `p${number}`;
  /** How many more calls there may be because of it, 0 to 1. Default 0.05: one in twenty. */
  readonly ratio?: number;
}

/**
 * Begins a second one beside one that takes long; whoever answers first has won, and the other one is cancelled. Only for what may run twice.
 * Bounded by a budget of its own, and by that which it shares with `retry()`.
 */
export function hedge(options: HedgeStageOptions = {}): Stage {
  const delay = delayOf(options.delay ?? "p95");
  const budgetOptions = { ratio: options.ratio ?? 0.05, minPerSec: 0 };
  return {
    name: "hedge",
    build(place) {
      const { env } = place;
      const budget = new RetryBudget(budgetOptions, env.now());
      const latency = "percentile" in delay ? new LatencyWindow({}, env.now()) : undefined;
      const delayMs = (): number =>
        "ms" in delay ? delay.ms : latency!.quantileMs(delay.percentile, env.now());
      return {
        wrap: (inner) => (input, scope, hold) =>
          new Promise((resolve, reject) => {
            const race = new Race({ place, budget, latency }, inner, { input, scope, hold });
            race.run(delayMs(), resolve, reject);
          }),
        state: (now) => ({ delayMs: delayMs(), budget: budget.balance(now) }),
      };
    },
  };
}

function delayOf(delay: Duration | `p${number}`): { ms: number } | { percentile: number } {
  const percentile =
    typeof delay === "string" ? /^p(\d{1,2}(?:\.\d+)?)$/.exec(delay)?.[1] : undefined;
  if (percentile !== undefined) return { percentile: Number(percentile) / 100 };
  if (typeof delay === "string" && delay.startsWith("p"))
    throw systemError("INVALID_ARGUMENT", `${JSON.stringify(delay)} is no percentile`, {
      executed: "no",
      advice: 'give p1 to p99.9, or a duration: "50ms"',
    });
  return { ms: milliseconds(delay as Duration) };
}

interface RaceTerms {
  readonly place: Place;
  readonly budget: RetryBudget;
  readonly latency: LatencyWindow | undefined;
}

interface RaceCall {
  readonly input: unknown;
  readonly scope: Scope;
  readonly hold: Hold | undefined;
}

/** Two that do the same; rings when it is time for the second. */
class Race extends Alarm {
  readonly #terms: RaceTerms;
  readonly #inner: Inner;
  readonly #call: RaceCall;
  readonly #parts = new Set<Scope>();
  #resolve!: (answer: unknown) => void;
  #reject!: (failure: unknown) => void;
  /** That of the first one that failed. */
  #failure: { readonly failure: unknown } | undefined;

  constructor(terms: RaceTerms, inner: Inner, call: RaceCall) {
    super();
    this.#terms = terms;
    this.#inner = inner;
    this.#call = call;
  }

  run(
    delayMs: number,
    resolve: (answer: unknown) => void,
    reject: (failure: unknown) => void,
  ): void {
    this.#resolve = resolve;
    this.#reject = reject;
    const { env } = this.#terms.place;
    const at = env.now() + delayMs;
    if (at < this.#call.scope.deadlineAt) env.set(this, at);
    void this.#begin(this.#call.scope.attempt);
  }

  ring(): void {
    const { place, budget } = this.#terms;
    const { scope } = this.#call;
    const now = place.env.now();
    if (scope.failure !== undefined) return;
    // Whoever finds no budget waits for the first one: what runs is never ended for it.
    if (budget.balance(now) === 0 || !place.budget.tryWithdraw(now)) return;
    budget.tryWithdraw(now);
    void this.#begin(scope.attempt + 1);
  }

  async #begin(attempt: number): Promise<void> {
    const { place, budget, latency } = this.#terms;
    const { input, scope, hold } = this.#call;
    const { env } = place;
    const part = scope.part(scope.deadlineAt, attempt);
    this.#parts.add(part);
    const from = env.now();
    try {
      const answer = await this.#inner(input, part, hold);
      budget.deposit(env.now());
      latency?.record(env.now() - from, env.now());
      this.#resolve(answer);
      this.#end(part);
    } catch (failure) {
      this.#failure ??= { failure };
      this.#parts.delete(part);
      if (this.#parts.size > 0) return; // the other one may still answer
      env.clear(this);
      this.#reject(this.#failure.failure);
    } finally {
      part.close();
    }
  }

  #end(winner: Scope): void {
    this.#terms.place.env.clear(this);
    for (const part of this.#parts)
      if (part !== winner) part.cancel(part.cancelled("another attempt was faster"));
  }
}
