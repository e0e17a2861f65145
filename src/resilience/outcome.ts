import { isTrunklineError } from "../base/error.ts";

/**
 * What became of one attempt, as breaker, load estimate, limits and budget all read it.
 *
 * - `ok`: answered.
 * - `appError`: the application said no: a declared error, bad input, no permission. The endpoint is well.
 * - `failed`: it ran, and the server failed at it.
 * - `unknown`: it may have run: no answer in time, or none that can be read.
 * - `lost`: it may have run: the connection broke. Says nothing of how much the endpoint can take.
 * - `overload`: the server refused before anything ran, because it has enough to do.
 * - `unreachable`: it never got to run: nobody listens, the server drains, the connection could not be made.
 * - `local`: one of our own gates refused; the endpoint heard nothing of it.
 * - `cancelled`: given up by the caller, by a deadline of the caller's caller, or because another attempt was faster.
 */
export type OutcomeKind =
  | "ok"
  | "appError"
  | "failed"
  | "unknown"
  | "lost"
  | "overload"
  | "unreachable"
  | "local"
  | "cancelled";

/** What one outcome means to each of those who learn from it. */
export interface Effect {
  /** For breaker and ejection: `rate` counts as a failure in the success rate, but not in a row of failures. */
  readonly breaker: "success" | "failure" | "rate" | "ignore";
  /** For the load estimate: `elapsed` counts only where it is above the estimate. */
  readonly load: "latency" | "penalty" | "elapsed" | "ignore";
  /** For adaptive limits: `slow` is a sample that is no baseline. */
  readonly limit: "sample" | "slow" | "drop" | "ignore";
  /** The endpoint itself has said something: it does not stand still. */
  readonly heard: boolean;
  /** Fills the retry budget. */
  readonly deposits: boolean;
  /** Whether another attempt may follow; `idempotent`: only where the operation may run twice. */
  readonly retry: "no" | "idempotent" | "yes";
}

/** The one table: who changes a line here changes all who read it. */
export const effects: Readonly<Record<OutcomeKind, Effect>> = {
  ok: effect("success", "latency", "sample", true, true, "no"),
  appError: effect("success", "latency", "sample", true, true, "no"),
  failed: effect("failure", "penalty", "slow", true, false, "no"), // it ran: decided by what it did, not by us
  unknown: effect("failure", "penalty", "drop", false, false, "idempotent"),
  lost: effect("failure", "penalty", "ignore", false, false, "idempotent"),
  overload: effect("rate", "penalty", "drop", true, false, "yes"),
  unreachable: effect("failure", "penalty", "ignore", false, false, "yes"),
  local: effect("ignore", "ignore", "ignore", false, false, "yes"),
  cancelled: effect("ignore", "elapsed", "ignore", false, false, "no"),
};

function effect(
  breaker: Effect["breaker"],
  load: Effect["load"],
  limit: Effect["limit"],
  heard: boolean,
  deposits: boolean,
  retry: Effect["retry"],
): Effect {
  return { breaker, load, limit, heard, deposits, retry };
}

/** Codes with which an endpoint that is well turns a request down, whether it ran or not. */
const turnedDown: ReadonlySet<string> = new Set([
  "INVALID_ARGUMENT",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "UNIMPLEMENTED",
]);

/** What a rejection of an attempt says of its endpoint. Anything but our own error is a fault of this process. */
export function outcomeOf(failure: unknown): OutcomeKind {
  if (!isTrunklineError(failure)) return "local";
  const { code, executed, declared, gate, endpointFault } = failure;
  if (declared) return "appError";
  if (gate !== undefined && endpointFault === undefined) return "local";
  if (code === "CANCELLED") return "cancelled";
  if (turnedDown.has(code)) return endpointFault === true ? "failed" : "appError";
  if (executed === "no") {
    if (code === "RESOURCE_EXHAUSTED") return "overload";
    if (code === "UNAVAILABLE") return "unreachable";
    // What fails before its handler began, for a fault of the server's, fails there again.
    return code === "DEADLINE_EXCEEDED" && endpointFault !== true ? "cancelled" : "failed";
  }
  if (executed === "yes") return code === "RESOURCE_EXHAUSTED" ? "appError" : "failed";
  if (code === "RESOURCE_EXHAUSTED" && endpointFault !== true) return "appError";
  return code === "UNAVAILABLE" ? "lost" : "unknown";
}
