// The same function, bare and guarded: retry, breaker, bulkhead and a timeout, as each library has them.
import {
  bulkhead as cockatielBulkhead,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  retry as cockatielRetry,
  SamplingBreaker,
  timeout as cockatielTimeout,
  TimeoutStrategy,
  wrap,
} from "cockatiel";
import CircuitBreaker from "opossum";
import { breaker, bulkhead, compose, retry, timeout } from "trunkline/resilience";

/** A peer of this comparison: the function as it guards it. */
export interface Guard {
  readonly peer: string;
  /** What it has of retry, breaker, bulkhead, timeout. */
  readonly has: string;
  call(i: number): Promise<number>;
  end(): void;
}

const timeoutMs = 1_000;
const room = 1_024;

async function work(i: number): Promise<number> {
  return i + 1;
}

export function guards(): Guard[] {
  return [bare(), ours("trunkline compose"), cockatiel(), opossum()];
}

function bare(): Guard {
  return { peer: "bare", has: "nothing", call: work, end() {} };
}

function ours(peer: string): Guard {
  const stages = [retry(), breaker(), bulkhead({ max: room }), timeout(timeoutMs)] as const;
  const call = compose(...stages).around(work);
  return { peer, has: "retry with a budget, breaker, bulkhead, timeout, deadline", call, end() {} };
}

function cockatiel(): Guard {
  const policy = wrap(
    cockatielRetry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() }),
    circuitBreaker(handleAll, {
      halfOpenAfter: 10_000,
      breaker: new SamplingBreaker({ threshold: 0.2, duration: 30_000 }),
    }),
    cockatielBulkhead(room),
    cockatielTimeout(timeoutMs, TimeoutStrategy.Aggressive),
  );
  return {
    peer: "cockatiel",
    has: "retry, breaker, bulkhead, timeout",
    call: (i) => policy.execute(() => work(i)),
    end() {},
  };
}

function opossum(): Guard {
  const circuit = new CircuitBreaker(work, {
    timeout: timeoutMs,
    capacity: room,
    errorThresholdPercentage: 20,
    volumeThreshold: 20,
    rollingCountTimeout: 30_000,
  });
  return {
    peer: "opossum",
    has: "breaker, bulkhead, timeout",
    call: (i) => circuit.fire(i),
    end: () => circuit.shutdown(),
  };
}
