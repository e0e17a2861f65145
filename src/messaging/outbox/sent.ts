import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Receipt } from "../../broker/broker.ts";

/** What cannot go better the next time, whoever is asked. */
const forGoodReason: ReadonlySet<string> = new Set(["INVALID_ARGUMENT", "UNIMPLEMENTED"]);

export type Sent =
  | { readonly kind: "confirmed" }
  /** The message itself is what the broker does not take. */
  | { readonly kind: "refused"; readonly error: TrunklineError }
  /** It may or may not be there, or could not be sent now: it is sent again. */
  | { readonly kind: "again"; readonly error: TrunklineError };

/**
 * What came of sending a message. `others`: the broker has confirmed others of the same batch, so it is there, and what it could not take
 * to anybody is refused (a queue that nobody has declared) rather than a broker that cannot be reached.
 */
export function sentOf(outcome: Receipt | TrunklineError | undefined, others: boolean): Sent {
  if (outcome === undefined) return { kind: "again", error: unsaid() };
  if (!isTrunklineError(outcome)) return { kind: "confirmed" };
  const { code, executed, retryAfterMs } = outcome;
  const unroutable = code === "UNAVAILABLE" && executed === "no" && retryAfterMs === undefined;
  if (executed === "no" && (forGoodReason.has(code) || (unroutable && others)))
    return { kind: "refused", error: outcome };
  return { kind: "again", error: outcome };
}

function unsaid(): TrunklineError {
  return systemError("INTERNAL", "the broker gave no receipt", { executed: "maybe" });
}
