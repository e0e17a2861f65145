import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Target } from "./target.ts";

// What a call is told that this process itself refuses: which gate it was, and what to do.

export function tooLate(): TrunklineError {
  const reason = "its time was over before there was somebody to ask";
  return systemError("DEADLINE_EXCEEDED", reason, { executed: "no" });
}

/** It waited behind an earlier request of its key that was tried again. */
export function heldUp(): TrunklineError {
  const reason = "its time was over while an earlier request of its key was tried again";
  return systemError("DEADLINE_EXCEEDED", reason, { executed: "no" });
}

export function shut(target: Target): TrunklineError {
  const reason = "other hosts agree that it fails, and one of them looks whether it answers again";
  return systemError("UNAVAILABLE", reason, {
    executed: "no",
    gate: "breaker",
    endpoint: target.caller.endpoint,
    advice: "wait, or look at the service; `stateOf(client)` shows its breakers",
  });
}

export function full(target: Target): TrunklineError {
  const reason = `${target.inFlight} requests are under way there, as many as it seems to bear`;
  return systemError("RESOURCE_EXHAUSTED", reason, {
    executed: "no",
    gate: "limit",
    endpoint: target.caller.endpoint,
    advice: "ask less at once, or add instances; `stateOf(client)` shows the limit",
  });
}

/** The call was given up between two tries. */
export function givenUp(attempt: Attempt): TrunklineError {
  const late = attempt.cancelled === "deadline";
  const reason = late
    ? "the deadline of the work that asked for it is over"
    : "the caller gave up between two tries";
  return systemError(late ? "DEADLINE_EXCEEDED" : "CANCELLED", reason, { executed: "no" });
}

export function open(retryAfterMs: number): TrunklineError {
  const reason = "the breaker of this service is open, because it failed too often";
  return systemError("UNAVAILABLE", reason, {
    executed: "no",
    gate: "breaker",
    retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)),
    advice: "one request at a time is let through to see whether it answers again",
  });
}

export function throttled(): TrunklineError {
  const reason = "the service refuses most of what it is sent, because it is overloaded";
  return systemError("RESOURCE_EXHAUSTED", reason, {
    executed: "no",
    gate: "throttle",
    advice: "send less, or wait: a share is let through and recovers with the service",
  });
}

export function crowded(lane: string, max: number): TrunklineError {
  const reason = `${max} requests of the lane "${lane}" are under way to this service`;
  return systemError("RESOURCE_EXHAUSTED", reason, {
    executed: "no",
    gate: "bulkhead",
    advice: "it does not answer as fast as it is asked; ask less at once, or raise limit.service",
  });
}

/** Who waits for a connection to an endpoint that is known no more is let go by it, not by whoever called: others may still be asked. */
export function leftBehind(failure: unknown, target: Target, attempt: Attempt): unknown {
  if (!isTrunklineError(failure) || failure.declared || failure.code !== "CANCELLED")
    return failure;
  if (failure.executed !== "no" || !target.draining || attempt.cancelled !== undefined)
    return failure;
  return systemError("UNAVAILABLE", "the endpoint was gone before the request could leave", {
    executed: "no",
    cause: failure,
  });
}
