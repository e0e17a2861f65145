import { milliseconds, type Duration } from "../base/duration.ts";
import { systemError } from "../base/error.ts";
import type { BackoffOptions } from "../base/backoff.ts";
import type { Operation } from "../protocol/operation.ts";
import type { BreakerOptions } from "../resilience/breaker.ts";
import type { AimdLimitOptions } from "../resilience/aimd-limit.ts";
import type { RetryBudgetOptions } from "../resilience/retry-budget.ts";
import { LatencyWindow } from "../resilience/latency-window.ts";

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

/** How a client survives what happens to others. Everything has a default that is safe. */
export interface ResilienceOptions extends Omit<OperationPolicy, "retry"> {
  /** `false`: nothing is ever tried again. */
  readonly retry?: false | RetryOptions;
  /** Takes endpoints that fail out of the choice. `false`: never. */
  readonly breaker?: false | BreakerOptions;
  readonly limit?: LimitOptions;
  /** Rejects on this side what an overloaded service would refuse anyway. Default true. */
  readonly throttle?: boolean;
  /** What single operations do differently, by their names. */
  readonly operations?: Readonly<Record<string, OperationPolicy>>;
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
}

export interface PipelineTerms {
  readonly connectWaitMs: number;
  readonly budget: RetryBudgetOptions;
  readonly hedgeRatio: number;
  readonly breaker: BreakerOptions | false;
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

/** Completes the options and refuses what cannot be meant. */
export function pipelineTerms(
  options: ResilienceOptions,
  connectWaitMs: number,
  now: number,
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
      attemptTimeoutMs: timeout === undefined ? Infinity : milliseconds(timeout),
      hedge: hedgeTerms,
      latency:
        hedgeTerms?.delayMs === undefined && hedgeTerms ? new LatencyWindow({}, now) : undefined,
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
