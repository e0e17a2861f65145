import { protocolErrors } from "@platformatic/kafka";
import {
  isTrunklineError,
  systemError,
  type SystemError,
  type TrunklineError,
} from "../../base/error.ts";
import type { Executed, SystemCode } from "../../base/outcome.ts";

/** Everything that an error of the library is made of: its parts and causes, itself first. */
function* partsOf(error: unknown, depth = 0): Generator<Readonly<Record<string, unknown>>> {
  if (typeof error !== "object" || error === null || depth > depthMax) return;
  const part = error as Readonly<Record<string, unknown>>;
  yield part;
  if (Array.isArray(part["errors"]))
    for (const each of part["errors"]) yield* partsOf(each, depth + 1);
  yield* partsOf(part["cause"], depth + 1);
}

const depthMax = 8;

/** The names of Kafka's own errors in it: `NOT_COORDINATOR`. */
export function idsOf(error: unknown): readonly string[] {
  const ids = [];
  for (const { apiId } of partsOf(error)) if (typeof apiId === "string") ids.push(apiId);
  return ids;
}

export function hasId(error: unknown, ...ids: readonly string[]): boolean {
  return idsOf(error).some((id) => ids.includes(id));
}

/** What an answer said beside its errors: the library throws when one part of it failed. What is ours already is no answer to the request. */
export function responseOf(error: unknown): unknown {
  if (isTrunklineError(error)) return undefined;
  for (const part of partsOf(error)) if (part["response"] !== undefined) return part["response"];
  return undefined;
}

/** The library itself refused: nothing was sent. */
function isRefusedByLibrary(error: unknown): boolean {
  for (const { code } of partsOf(error))
    if (code === "PLT_KFK_AUTHENTICATION" || code === "PLT_KFK_USER") return true;
  return false;
}

/** True when the same request may succeed a moment later. */
export function isPassing(error: unknown): boolean {
  if (isTrunklineError(error)) return error.code === "UNAVAILABLE" && error.gate === undefined;
  const ids = idsOf(error);
  if (ids.length > 0) return ids.every(isPassingId);
  return !isRefusedByLibrary(error);
}

export function isPassingId(id: string): boolean {
  return protocolErrors[id]?.canRetry === true;
}

/** The name of an error that came as a number. */
export function idOf(code: number): string {
  return (
    Object.values(protocolErrors).find((each) => each.code === code)?.id ?? `error ${code} of Kafka`
  );
}

const codes: readonly (readonly [RegExp, SystemCode, string])[] = [
  [/^SASL_AUTHENTICATION_FAILED$|^ILLEGAL_SASL_STATE$/, "UNAUTHENTICATED", "check the credentials"],
  [/AUTHORIZATION_FAILED$/, "PERMISSION_DENIED", "let an administrator grant what is missing"],
  [/^UNSUPPORTED_VERSION$/, "UNIMPLEMENTED", "Kafka 4.0 or later is needed"],
  [/^UNSUPPORTED_|^SECURITY_DISABLED$/, "UNIMPLEMENTED", "see what the cluster allows"],
  [/_QUOTA_|^GROUP_MAX_SIZE/, "RESOURCE_EXHAUSTED", "see what the cluster allows"],
  [/TOO_LARGE$/, "INVALID_ARGUMENT", "raise max.message.bytes of the topic, or send less"],
  [/^INVALID_|^POLICY_VIOLATION$/, "INVALID_ARGUMENT", "see what the cluster says"],
];

/** After that long a cluster that could not be reached may be there, in milliseconds. */
export const reachableMs = 1_000;

/** An error of Kafka or of the library in the words of Trunkline. `what` was tried; `executed` where the error itself does not tell. */
export function translated(error: unknown, what: string, executed: Executed): TrunklineError {
  if (isTrunklineError(error)) return error;
  const ids = idsOf(error);
  const reason = ids[0] ?? (error instanceof Error ? innermost(error) : String(error));
  for (const part of partsOf(error))
    if (part["code"] === "PLT_KFK_AUTHENTICATION")
      return systemError("UNAUTHENTICATED", `${what}: the credentials are refused`, {
        executed: "no",
        cause: error,
      });
  const found = codes.find(([pattern]) => ids.some((id) => pattern.test(id)));
  if (found !== undefined)
    return systemError(found[1], `${what}: ${reason}`, {
      executed: "no",
      advice: found[2],
      cause: error,
    });
  // What never left may be tried again as soon as the cluster is there.
  const retryAfterMs = executed === "no" ? reachableMs : undefined;
  return systemError("UNAVAILABLE", `${what}: ${reason}`, { executed, retryAfterMs, cause: error });
}

function innermost(error: Error): string {
  let last = error.message;
  for (const part of partsOf(error))
    if (typeof part["message"] === "string") last = part["message"];
  return last;
}

/** What settles a delivery that is somebody else's by now. */
export function fenced(what: string, cause?: unknown): SystemError {
  return systemError("UNAVAILABLE", `${what} belongs to another consumer by now`, {
    executed: "maybe",
    gate: "fenced",
    cause,
  });
}
