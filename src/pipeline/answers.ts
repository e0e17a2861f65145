import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import type { AnswerCache } from "../resilience/answer-cache.ts";
import { outcomeOf, type OutcomeKind } from "../resilience/outcome.ts";

/** Answers in the service's place. Gets what was asked and why it failed. */
export type Fallback = (input: unknown, failure: TrunklineError) => unknown;

/** What may answer a call beside its service. */
export interface AnswerTerms {
  readonly cache: AnswerCache<unknown> | undefined;
  readonly fallback: Fallback | undefined;
}

/** Fallbacks of one operation under way, past which the failure is told instead (Hystrix): what they load is somebody too. */
const fallbacksMax = 10;

/** Failures that somebody else's answer can stand in for: not what the service itself decided, nor what nobody waits for. */
const replaceable: ReadonlySet<OutcomeKind> = new Set([
  "failed",
  "unknown",
  "lost",
  "overload",
  "unreachable",
  "local",
]);

/** The roles outside of all attempts: answers that are known, and answers from elsewhere when there is none. */
export class Answers {
  /** Answers that were given in the service's place, since it began. */
  replaced = 0;
  readonly #terms: AnswerTerms;
  readonly #operation: Operation;
  readonly #env: Env;
  #fallbacks = 0;

  constructor(operation: Operation, terms: AnswerTerms, env: Env) {
    this.#operation = operation;
    this.#terms = terms;
    this.#env = env;
  }

  /** `ask` asks the service. */
  async answer(
    input: unknown,
    attempt: Attempt,
    ask: (attempt: Attempt) => Promise<unknown>,
  ): Promise<unknown> {
    const { cache, fallback } = this.#terms;
    const key = cache === undefined ? "" : this.#keyOf(input, attempt);
    try {
      return await (cache === undefined ? ask(attempt) : this.#cached(cache, key, attempt, ask));
    } catch (failure) {
      if (!isTrunklineError(failure) || !replaceable.has(outcomeOf(failure))) throw failure;
      if (attempt.cancelled !== undefined) throw failure;
      const stale = cache?.stale(key, this.#env.now());
      if (stale !== undefined) {
        this.replaced++;
        return stale.value;
      }
      if (fallback === undefined || this.#fallbacks >= fallbacksMax) throw failure;
      return this.#fallBack(fallback, input, failure, attempt);
    }
  }

  /** Who asks, and in whose name, belongs to what is asked: an answer is for nobody else. */
  #keyOf(input: unknown, { headers, lane }: Attempt): string {
    const payload = this.#operation.first.encode(input);
    const text = typeof payload === "string" ? payload : Buffer.from(payload).toString("base64");
    return JSON.stringify([lane, headers, text]);
  }

  async #cached(
    cache: AnswerCache<unknown>,
    key: string,
    attempt: Attempt,
    ask: (attempt: Attempt) => Promise<unknown>,
  ): Promise<unknown> {
    const env = this.#env;
    const known = cache.fresh(key, env.now());
    if (known !== undefined) return known.value;
    const giving = new AbortController();
    const giveUp = (code: "CANCELLED" | "DEADLINE_EXCEEDED", reason: string): void =>
      giving.abort(systemError(code, reason, { executed: "maybe" }));
    attempt.bind({ cancel: () => giveUp("CANCELLED", "the caller gave up") });
    const late = alarmAt(env, attempt.deadlineAt, () =>
      giveUp("DEADLINE_EXCEEDED", "no answer in time"),
    );
    const load = (nobodyWaits: AbortSignal): Promise<unknown> => {
      const own = attempt.derive(attempt.deadlineAt);
      nobodyWaits.addEventListener("abort", () => own.cancel("caller"), { once: true });
      return ask(own);
    };
    try {
      return await cache.get(key, load, () => env.now(), giving.signal);
    } finally {
      env.clear(late);
    }
  }

  /** It has what is left of the call's time, too; a value that is there at once is taken in any case. */
  async #fallBack(
    fallback: Fallback,
    input: unknown,
    failure: TrunklineError,
    attempt: Attempt,
  ): Promise<unknown> {
    this.#fallbacks++;
    try {
      const given = fallback(input, failure);
      if (!(given instanceof Promise)) {
        this.replaced++;
        return given;
      }
      const answer = await this.#inTime(given, failure, attempt);
      this.replaced++;
      return answer;
    } finally {
      this.#fallbacks--;
    }
  }

  #inTime(given: Promise<unknown>, failure: TrunklineError, attempt: Attempt): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const tell = (): void => reject(failure);
    attempt.bind({ cancel: tell });
    const late = alarmAt(this.#env, attempt.deadlineAt, tell);
    given.then(resolve, tell); // what its caller has to know is why the service failed
    return promise.finally(() => this.#env.clear(late));
  }
}
