import type { Env } from "../base/env.ts";
import { systemError, type TrunklineError } from "../base/error.ts";
import type { SystemCode } from "../base/outcome.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Member } from "./compile.ts";
import { isDeclaredBy } from "./declared-errors.ts";
import { incident } from "./incident.ts";
import { isRefusal, type ServedContext } from "./served-context.ts";

/**
 * What the caller may know of an exception that escaped a handler. The handler began, so it is `yes` for this operation,
 * whatever a call that it made said of itself; only `context.refuse` says `no`. Never rejects.
 */
export async function escaped(
  exception: unknown,
  member: Member,
  context: ServedContext,
  checked: boolean,
  env: Env,
): Promise<TrunklineError> {
  if (isRefusal(exception)) return exception as TrunklineError;
  if (isDeclaredBy(member, exception))
    return checked ? checkedData(exception, member, env) : exception;
  const operation = member.operation.name;
  if (env.now() >= context.endsAt) {
    return systemError("DEADLINE_EXCEEDED", "the deadline was over when the handler ended", {
      executed: "yes",
      cause: exception,
      operation,
    });
  }
  if (context.cancelled !== undefined) {
    return systemError("CANCELLED", "the caller was gone when the handler ended", {
      executed: "yes",
      cause: exception,
      operation,
    });
  }
  const sent = context.items?.failure;
  if (sent !== undefined && exception === sent) return fault(sent);
  return incident(exception, member, env);
}

/** What the items failed with, escaped as it was: the caller sent them. */
function fault({ code, reason, id }: TrunklineError): TrunklineError {
  return systemError(code as SystemCode, reason, { executed: "yes", id });
}

/** A declared error must carry what it declares: its data is an output like any other. */
async function checkedData(
  error: TrunklineError,
  member: Member,
  env: Env,
): Promise<TrunklineError> {
  try {
    const checked = validate(member.declared.errors[error.code], error.data);
    const { issues } = isPending(checked) ? await checked : checked;
    if (issues === undefined) return error;
    const wrong = `the data of ${error.code} does not match the contract: ${explain(issues)}`;
    return incident(new TypeError(wrong), member, env);
  } catch (exception) {
    return incident(exception, member, env); // of the schema's own code
  }
}
