import { channels, type AttemptEvent } from "../base/diagnostics.ts";
import { isTrunklineError, locate, type Try, type TrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import type { Target } from "./target.ts";

/** The most tries of one call that its error tells of; there are more only where nobody could be reached. */
const triesToldMax = 10;

/** What became of the tries of one call so far. Made with the first failure. */
export class History {
  readonly startedAt: number;
  /** Those that have been tried since everybody had: they are chosen again last. */
  tried: Target[] = [];
  /** Those that may not be asked at all: the work may not run again there. */
  barred: readonly Target[] = [];
  /** Tries that may have reached somebody: these are few by count and by budget. */
  counted = 0;
  /** How often nobody could be reached. */
  rounds = 0;
  count = 0;
  readonly #tries: Try[] = [];
  /** Who was asked last. */
  #asked: Target | undefined;
  /** The last failure after which it has run, or nobody knows whether it has: also of a second try beside the first. */
  #ran: TrunklineError | undefined;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  /** True for an endpoint that was tried in this round, or must not be. */
  knows(target: Target): boolean {
    return this.tried.includes(target) || this.barred.includes(target);
  }

  add(target: Target, failure: TrunklineError, from: number, to: number): void {
    this.count++;
    this.tried.push(target);
    this.#asked = target;
    if (failure.executed !== "no") this.#ran = locate(failure, placeOf(target));
    const told = {
      endpoint: target.caller.endpoint,
      code: failure.code,
      executed: failure.executed,
      reason: failure.reason,
      fromMs: from - this.startedAt,
      toMs: to - this.startedAt,
    };
    if (this.#tries.length < triesToldMax) this.#tries.push(told);
    else this.#tries[triesToldMax - 1] = told;
  }

  /** A second try beside the one that was just added came to nothing, too. */
  addSecond(target: Target, failure: unknown, now: number): void {
    if (isTrunklineError(failure)) this.add(target, failure, now, now);
  }

  /**
   * The error that the caller gets. A last try that certainly did not run does not undo another one that perhaps did.
   */
  error(last: TrunklineError, why: string | undefined, now: number): TrunklineError {
    const failure = last.executed === "no" ? (this.#ran ?? last) : last;
    if (this.count <= 1 && why === undefined)
      return failure.declared || this.#asked === undefined
        ? failure
        : locate(failure, placeOf(this.#asked));
    return locate(failure, {
      attempts: this.count,
      elapsedMs: now - this.startedAt,
      advice: why,
      endpoint: this.#asked?.caller.endpoint,
      ...(this.count > 1 ? { tries: this.#tries } : {}),
    });
  }
}

/** Where a try went. */
export function placeOf(target: Target): { readonly endpoint: string } {
  return { endpoint: target.caller.endpoint };
}

/** Tells whoever listens that a try failed; `again`: the call goes on. */
export function tellTry(
  { name }: Operation,
  { trace, idempotencyKey }: Attempt,
  { caller }: Target,
  { code, executed }: TrunklineError,
  again: boolean,
): void {
  if (!channels.attempt.hasSubscribers) return;
  const { endpoint } = caller;
  const { traceparent } = trace;
  channels.attempt.publish({
    operation: name,
    traceparent,
    idempotencyKey,
    endpoint,
    code,
    executed,
    again,
  } satisfies AttemptEvent);
}
