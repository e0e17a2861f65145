import { systemError } from "../../base/error.ts";

/** PostgreSQL answers a COMMIT by a rollback when a statement had failed and somebody went on all the same. */
export function failedBefore(cause?: unknown): Error {
  return systemError("INVALID_ARGUMENT", "a statement of this transaction had failed", {
    executed: "no",
    advice: "let what a statement throws end the work; the database has rolled it back",
    cause,
  });
}
