import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { BackoffOptions } from "../base/backoff.ts";
import type { Operation } from "../protocol/operation.ts";
import type { BreakerOptions } from "../resilience/breaker.ts";
import type { AimdLimitOptions } from "../resilience/aimd-limit.ts";
import type { RetryBudgetOptions } from "../resilience/retry-budget.ts";
import { AnswerCache } from "../resilience/answer-cache.ts";
import { bounded } from "../resilience/bounded.ts";
import { LatencyWindow } from "../resilience/latency-window.ts";

import { Answers, type Fallback } from "./answers.ts";

/** When a call is tried again. What may not run twice is tried again only when it certainly did not run. */
export interface RetryOptions {
  /** Tries that may have reached somebody, the first one included. Default 3, the most of Google's SRE book. 1: never again. */
  readonly triesMax?: number;
  /** The longest first wait; it doubles, and is drawn between 0 and that (full jitter). Default 25 ms. */
  readonly base?: Duration;
  /** The longest wait of all. Default 250 ms. */
  readonly cap?: Duration;
  /** How many more requests there may be because of retries, of all clients of this service together. */
  readonly budget?: RetryBudgetOptions;
}

/** A second try beside one that takes long, of operations that are `idempotent: true`. */
export interface HedgeOptions {
  /** After how long: a duration, or a percentile of what this operation has taken lately: `p95`. */
  readonly delay: Duration | `p${number}`;
  /** How many more requests there may be because of it. Default 0.05: one in twenty. */
  readonly ratio?: number;
}

/** How many requests may be under way. */
export interface LimitOptions {
  /** Of all endpoints of a service together, for each lane. Default 4,096. */
  readonly service?: number;
  /** Of each endpoint; learned from what it bears. `false`: no bound but that of its connection. */
  readonly endpoint?: AimdLimitOptions | false;
}

/** What one operation does differently. */
export interface OperationPolicy {
  /** `false`: never tried again. */
  readonly retry?: false | Pick<RetryOptions, "triesMax" | "base" | "cap">;
  /** The longest that one try may take. Default: what is left of the call. */
  readonly attemptTimeout?: Duration;
  readonly hedge?: false | HedgeOptions;
}

/** What one operation does differently, where it is a call with one answer. */
export interface CallPolicy extends OperationPolicy {
  /** Keeps answers, and asks once for all who ask the same at the same time. Only for `idempotent: true`. Default: none are kept. */
  readonly cache?: CacheOptions;
  /**
   * Answers when the service does not: it cannot be reached, is overloaded, fails, or does not answer in time. Gets the input and
   * the failure; what it gives is validated like the service's answer. At most ten are under way; when it fails too, the
   * service's failure is told. For a value that never changes give a function that returns it. Default: the failure is told.
   */
  readonly fallback?: Fallback;
}

export interface CacheOptions {
  /** How long an answer is as good as new, up to a day. Default 5 s. */
  readonly ttl?: Duration;
  /** How long after that it is better than a failure, up to a week. Default 0: never. */
  readonly staleIfError?: Duration;
  /** Answers that are kept of this operation; who was not asked for the longest goes first. Default 1,000. */
  readonly entriesMax?: number;
}

/** Who is taken out when it fails. */
export interface BreakerPolicy extends BreakerOptions {
  /**
   * `endpoint`: each by itself, and never the last one. `service`: the whole service, for targets that nobody balances: a
   * database, somebody else's API. `global`: an endpoint of which `quorum` hosts say that it fails is shut for all processes at
   * once, also the last one; needs a registry to exchange evidence. Default `endpoint`.
   */
  readonly scope?: "endpoint" | "service" | "global";
  /** How many hosts must have seen it fail, for `global`; and for less to be needed of what one has seen oneself. Default 2. */
  readonly quorum?: number;
}

/** How a client survives what happens to others. Everything has a default that is safe. */
export interface ResilienceOptions extends Omit<OperationPolicy, "retry"> {
  /** `false`: nothing is ever tried again. */
  readonly retry?: false | RetryOptions;
  /** Takes endpoints that fail out of the choice. `false`: never. */
  readonly breaker?: false | BreakerPolicy;
  readonly limit?: LimitOptions;
  /** Rejects on this side what an overloaded service would refuse anyway. Default true. */
  readonly throttle?: boolean;
  /** What single operations do differently, by their names. */
  readonly operations?: Readonly<Record<string, CallPolicy>>;
}

export interface RetryTerms {
  readonly triesMax: number;
  readonly backoff: BackoffOptions;
  /** How long it is worth looking for an endpoint that can be reached at all. */
  readonly connectWaitMs: number;
  /** No try begins with less time than this. */
  readonly attemptMinMs: number;
}

export interface HedgeTerms {
  readonly delayMs: number | undefined;
  readonly percentile: number;
}

/** The same, checked and complete, for one operation. */
export interface OperationTerms {
  readonly retry: RetryTerms;
  readonly attemptTimeoutMs: number;
  readonly hedge: HedgeTerms | undefined;
  /** What it has taken lately; kept only where somebody asks. */
  readonly latency: LatencyWindow | undefined;
  /** What answers beside the service; undefined: nothing. */
  readonly answers: Answers | undefined;
}

export interface PipelineTerms {
  readonly connectWaitMs: number;
  readonly budget: RetryBudgetOptions;
  readonly hedgeRatio: number;
  readonly breaker: BreakerPolicy | false;
  readonly serviceMax: number;
  readonly endpointLimit: AimdLimitOptions | false;
  readonly throttle: boolean;
  /** What holds for an operation. Asked for each call: kept by its slot. */
  of(operation: Operation): OperationTerms;
}

/** No try begins that has less time left than this, in milliseconds: it would only be work for nobody. */
const attemptMinMs = 2;

/**
 * Where the limit of an endpoint begins, and its most: as many as a connection takes. It shrinks with what is dropped; to begin lower
 * and grow would refuse the first burst of a client that nothing is wrong with.
 */
const endpointMax = 4_096;

/** Completes options that `checkOptions` has let pass, and refuses what cannot be meant. */
export function pipelineTerms(
  options: ResilienceOptions,
  connectWaitMs: number,
  env: Env,
): PipelineTerms {
  const { breaker = {}, limit = {}, throttle = true, hedge } = options;
  const retry = options.retry === false ? { triesMax: 1 } : (options.retry ?? {});
  const bySlot: (OperationTerms | undefined)[] = [];
  const make = (operation: Operation): OperationTerms => {
    const own = options.operations?.[operation.member] ?? {};
    const ownRetry = own.retry === false ? { triesMax: 1 } : (own.retry ?? {});
    const { triesMax = 3, base = 25, cap = 250 } = { ...retry, ...ownRetry };
    const timeout = own.attemptTimeout ?? options.attemptTimeout;
    const hedgeTerms = hedgeTermsOf(own.hedge ?? hedge ?? false);
    return {
      retry: {
        triesMax: whole("retry.triesMax", triesMax, 1, 10),
        backoff: { baseMs: milliseconds(base), capMs: milliseconds(cap) },
        connectWaitMs,
        attemptMinMs,
      },
      attemptTimeoutMs:
        timeout === undefined
          ? Infinity
          : bounded("attemptTimeout", milliseconds(timeout), 1, 86_400_000),
      hedge: hedgeTerms,
      latency:
        hedgeTerms?.delayMs === undefined && hedgeTerms
          ? new LatencyWindow({}, env.now())
          : undefined,
      answers: answersOf(operation, own, env),
    };
  };
  return {
    connectWaitMs,
    budget: "budget" in retry ? (retry.budget ?? {}) : {},
    hedgeRatio: hedge === undefined || hedge === false ? 0.05 : (hedge.ratio ?? 0.05),
    breaker,
    serviceMax: whole("limit.service", limit.service ?? 4_096, 1, 1_000_000),
    endpointLimit: limit.endpoint ?? { min: 4, initial: endpointMax, max: endpointMax },
    throttle,
    of: (operation) => (bySlot[operation.slot] ??= make(operation)),
  };
}

function answersOf(
  operation: Operation,
  { cache, fallback }: CallPolicy,
  env: Env,
): Answers | undefined {
  if (cache === undefined && fallback === undefined) return undefined;
  if (cache !== undefined && operation.idempotent !== true) {
    throw systemError("INVALID_ARGUMENT", `${operation.name} cannot be cached`, {
      executed: "no",
      advice: "declare it `idempotent: true` in its contract, if it is",
    });
  }
  const kept =
    cache === undefined
      ? undefined
      : new AnswerCache<unknown>({
          ttlMs: milliseconds(cache.ttl ?? "5s"),
          staleMs: milliseconds(cache.staleIfError ?? 0),
          entriesMax: cache.entriesMax ?? 1_000,
        });
  return new Answers(operation, { cache: kept, fallback }, env);
}

function hedgeTermsOf(hedge: HedgeOptions | false): HedgeTerms | undefined {
  if (hedge === false) return undefined;
  const { delay } = hedge;
  const percentile =
    typeof delay === "string" ? /^p(\d{1,2}(?:\.\d+)?)$/.exec(delay)?.[1] : undefined;
  if (percentile !== undefined) return { delayMs: undefined, percentile: Number(percentile) / 100 };
  return { delayMs: milliseconds(delay as Duration), percentile: 0 };
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw systemError(
    "INVALID_ARGUMENT",
    `${name} is ${value}; it is a whole number from ${min} to ${max}`,
    {
      executed: "no",
    },
  );
}
