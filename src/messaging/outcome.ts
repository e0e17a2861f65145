import { milliseconds, type Duration } from "../base/duration.ts";

/** What a handler says beside "done", which is to return. Returned or thrown, it means the same. */
export type Verdict = RetryLater | Rejected | Parked;

export interface RetryLater {
  readonly verdict: "retry";
  /** From now, in milliseconds. Undefined: as the back-off of the consumer says. */
  readonly afterMs: number | undefined;
  readonly reason: string;
}

export interface Rejected {
  readonly verdict: "reject";
  readonly reason: string;
}

export interface Parked {
  readonly verdict: "park";
  readonly reason: string;
}

const verdicts = new WeakSet<object>();

/**
 * Not now: the message comes again after that long, however often it was tried before; `attempt` counts on. In a consumer that
 * keeps order its key waits meanwhile. Default: as long as the consumer's back-off says.
 */
export function retryLater(after?: Duration, reason = "the handler asked for it"): RetryLater {
  const afterMs = after === undefined ? undefined : milliseconds(after);
  return made({ verdict: "retry", afterMs, reason });
}

/** Never: it is not tried again, and kept with the dead letters together with the reason. */
export function reject(reason: string): Rejected {
  return made({ verdict: "reject", reason });
}

/** Somebody must look at it: it is kept with the dead letters, from where it can be redriven. */
export function park(reason: string): Parked {
  return made({ verdict: "park", reason });
}

/** What one of the three functions above made; undefined for anything else. */
export function verdictOf(value: unknown): Verdict | undefined {
  return typeof value === "object" && value !== null && verdicts.has(value)
    ? (value as Verdict)
    : undefined;
}

function made<V extends Verdict>(verdict: V): V {
  verdicts.add(verdict);
  return Object.freeze(verdict);
}
