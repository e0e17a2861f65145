import { isTrunklineError, locate, systemError, TrunklineError } from "../base/error.ts";
import { kinds } from "../contract/kinds.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Member } from "./compile.ts";
import type { Validation } from "../contract/schema.ts";

/** Where a call went and how long it took, for its error. */
export interface Place {
  readonly endpoint: string;
  readonly elapsedMs: number;
}

/**
 * A failure as the caller is told it: with operation and endpoint, and, where it is a declared error, with the data as its
 * schema reads it. May be a promise, when that schema is asynchronous.
 */
export function told(
  failure: unknown,
  member: Member,
  place: Place,
): TrunklineError | Promise<TrunklineError> {
  const { operation, declared } = member;
  if (!isTrunklineError(failure)) {
    return systemError("INTERNAL", "the client failed", {
      executed: "maybe",
      cause: failure,
      operation: operation.name,
      ...place,
    });
  }
  if (!failure.declared) return located(failure, member, place);
  // From the wire it comes without its operation: with one it was told before, and its data is read once only.
  if (failure.operation !== undefined) return failure;
  if (!Object.hasOwn(declared.errors, failure.code)) {
    const reason = `the server answered ${failure.code}, which this version of the contract does not declare`;
    return systemError("UNKNOWN", reason, { executed: "yes", operation: operation.name, ...place });
  }
  let checked: ReturnType<typeof validate>;
  try {
    checked = validate(declared.errors[failure.code], failure.data);
  } catch (cause) {
    return uncheckedData(cause, failure, member, place);
  }
  if (!isPending(checked)) return withData(failure, checked, member, place);
  return Promise.resolve(checked).then(
    (result) => withData(failure, result, member, place),
    (cause: unknown) => uncheckedData(cause, failure, member, place),
  );
}

function uncheckedData(
  cause: unknown,
  { code, executed }: TrunklineError,
  { operation }: Member,
  place: Place,
): TrunklineError {
  const reason = `the data of ${code} could not be checked: its schema threw`;
  return systemError("INTERNAL", reason, { executed, cause, operation: operation.name, ...place });
}

function withData(
  failure: TrunklineError,
  checked: Validation<unknown>,
  member: Member,
  place: Place,
): TrunklineError {
  const { code, reason, executed } = failure;
  if (checked.issues !== undefined) {
    const wrong = `the data of ${code} does not match the contract: ${explain(checked.issues)}`;
    return systemError("INTERNAL", wrong, { executed, operation: member.operation.name, ...place });
  }
  return new TrunklineError(code, reason, {
    executed,
    declared: true,
    data: checked.value,
    operation: member.operation.name,
    ...place,
  });
}

function located(failure: TrunklineError, member: Member, place: Place): TrunklineError {
  const { operation } = member;
  const advice = failure.executed === "maybe" ? adviceOnRepeating(member) : undefined;
  return locate(failure, { operation: operation.name, ...place, advice });
}

function adviceOnRepeating({ name, operation }: Member): string | undefined {
  if (kinds[operation.kind].answers !== "one") return undefined;
  if (operation.idempotent === true) return `safe to try again: "${name}" is idempotent`;
  if (operation.idempotent === "by-key")
    return `to try again pass the same idempotencyKey: "${name}" is idempotent by key`;
  return `not safe to repeat: "${name}" is not idempotent; find out first, or declare it \`idempotent: "by-key"\``;
}
