import type { OutcomeKind } from "./outcome.ts";

/** What a gate is asked with. */
export interface Ask {
  /** The instant of asking, in milliseconds of `env.now()`. */
  readonly now: number;
  /** The instant after which nobody wants the answer. */
  readonly deadlineAt: number;
  /** The swim lane that the work belongs to. */
  readonly lane?: string | undefined;
}

/** Leave to do one piece of work. Must be released, on every path. */
export interface Permit {
  /** Says what came of it. Once; further releases change nothing. */
  release(outcome: OutcomeKind, elapsedMs: number, now: number): void;
}

/** Why a gate lets nothing through now. */
export interface Rejection {
  /** The gate's name: `breaker`, `bulkhead`, `throttle`… */
  readonly gate: string;
  readonly reason: string;
  /** What the reader can do about it, one sentence. */
  readonly advice: string;
  /** When it is worth asking again, in milliseconds; undefined: nobody knows. */
  readonly retryAfterMs?: number | undefined;
}

/** Decides whether work may begin, and learns from what came of it. A pure state machine: time comes in with each ask. */
export interface Gate {
  readonly name: string;
  tryAcquire(ask: Ask): Permit | Rejection;
}

export function isRejection(answer: Permit | Rejection): answer is Rejection {
  return "gate" in answer;
}
