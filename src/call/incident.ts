import { reportIncident } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import { uuidv7 } from "../base/id.ts";
import type { Member } from "./compile.ts";

/** Reports an exception under an id, and makes the error that tells the caller nothing but the id. */
export function incident(
  exception: unknown,
  member: Member,
  env: Env,
  executed: "yes" | "no" = "yes",
  reason: string = executed === "yes"
    ? "the handler failed in a way that its contract does not declare"
    : `the ${member.firstName} could not be checked`,
): TrunklineError {
  const id = uuidv7(env);
  const operation = member.operation.name;
  reportIncident({ id, operation, error: exception });
  const downstream = isTrunklineError(exception) && exception.operation !== undefined;
  return systemError("INTERNAL", reason, {
    executed,
    id,
    cause: downstream ? { operation: exception.operation, code: exception.code } : undefined,
  });
}
