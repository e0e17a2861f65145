import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import type { SystemCode } from "../../../base/outcome.ts";
import { Refusal, type RefusalReason } from "../refusal.ts";

const codes: Readonly<Record<RefusalReason, SystemCode>> = {
  "not-found": "UNAVAILABLE",
  "precondition-failed": "INVALID_ARGUMENT",
  "access-refused": "PERMISSION_DENIED",
  "resource-locked": "UNAVAILABLE",
  "not-allowed": "INVALID_ARGUMENT",
  "resource-error": "RESOURCE_EXHAUSTED",
  "command-invalid": "INVALID_ARGUMENT",
};

/** What a virtual host refuses, in Trunkline's words: nothing was done. */
export function translated(error: unknown, endpoint: string): TrunklineError {
  if (isTrunklineError(error)) return error;
  if (error instanceof Refusal)
    return systemError(codes[error.reason], error.message, {
      executed: "no",
      endpoint,
      cause: error,
    });
  return systemError("INTERNAL", "the broker failed", {
    executed: "maybe",
    endpoint,
    cause: error,
  });
}
