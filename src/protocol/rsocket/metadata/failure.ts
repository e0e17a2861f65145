import { systemError, TrunklineError } from "../../../base/error.ts";
import type { Executed } from "../../../base/outcome.ts";
import { ErrorCode } from "../../../wire/error-code.ts";
import { gateIn, pushbackIn } from "../../pushback.ts";

/** The longest text of an ERROR frame that is read or written, in bytes. */
export const failureBytesMax: number = 64 * 1024;

/** The code of the ERROR frame for a failure: REJECTED is RSocket's word for "not executed". */
export function errorCodeOf(error: TrunklineError): number {
  if (error.executed !== "no") return ErrorCode.APPLICATION_ERROR;
  return error.code === "INVALID_ARGUMENT" ? ErrorCode.INVALID : ErrorCode.REJECTED;
}

/**
 * The body of the ERROR frame. The stack and the cause's text stay at home; `cause` holds only operation and code.
 * Throws when the data of a declared error cannot be written.
 */
export function encodeFailure(error: TrunklineError): string {
  const { code, executed, reason, advice, id, retryAfterMs, gate } = error;
  const data = error.declared ? { declared: true, data: error.data } : undefined;
  const cause = error.declared ? undefined : publicCause(error.cause);
  const pushback = { retryAfterMs, gate };
  const text = JSON.stringify({
    code,
    executed,
    reason,
    ...data,
    advice,
    id,
    cause,
    ...pushback,
  });
  const bytes = Buffer.byteLength(text);
  if (bytes <= failureBytesMax) return text;
  if (error.declared) return encodeFailure(tooLarge(error, bytes));
  return JSON.stringify({
    code,
    executed,
    reason: `${reason.slice(0, 1_000)}… (cut: the error is too large to send)`,
    id,
    ...pushback,
  });
}

/** Without its data a declared error would not be what the contract says. */
function tooLarge({ code, executed }: TrunklineError, bytes: number): TrunklineError {
  const reason = `the error ${code.slice(0, 100)} takes ${bytes} bytes with its data, ${failureBytesMax} are allowed`;
  const advice = "declare less data for it, or answer with it instead";
  return systemError("RESOURCE_EXHAUSTED", reason, { executed, advice });
}

/** What the peer says went wrong. A foreign peer sends plain text: then the frame's code decides. */
export function decodeFailure(errorCode: number, text: string): TrunklineError {
  const body = parse(text);
  if (body === undefined || typeof body["code"] !== "string") return foreign(errorCode, text);
  const declared = body["declared"] === true;
  return new TrunklineError(body["code"], string(body["reason"]) ?? "no reason given", {
    executed: executedOf(body["executed"], errorCode),
    declared,
    data: declared ? body["data"] : undefined,
    advice: string(body["advice"]),
    id: string(body["id"]),
    cause: declared ? undefined : publicCause(body["cause"]),
    retryAfterMs: pushbackIn(body["retryAfterMs"]),
    ...gateIn(body["gate"]),
  });
}

function foreign(errorCode: number, text: string): TrunklineError {
  const reason = text === "" ? "the peer gave no reason" : text.slice(0, 1_000);
  if (errorCode === ErrorCode.REJECTED)
    return new TrunklineError("UNAVAILABLE", reason, { executed: "no" });
  if (errorCode === ErrorCode.INVALID)
    return new TrunklineError("INVALID_ARGUMENT", reason, { executed: "maybe" });
  if (errorCode === ErrorCode.CANCELED)
    return new TrunklineError("CANCELLED", reason, { executed: "maybe" });
  return new TrunklineError("UNKNOWN", reason, { executed: "maybe" });
}

function executedOf(said: unknown, errorCode: number): Executed {
  if (said === "no" || said === "yes" || said === "maybe") return said;
  return errorCode === ErrorCode.REJECTED ? "no" : "maybe";
}

function publicCause(cause: unknown): { operation: string; code: string } | undefined {
  if (typeof cause !== "object" || cause === null) return undefined;
  const { operation, code } = cause as Record<string, unknown>;
  return typeof operation === "string" && typeof code === "string"
    ? { operation, code }
    : undefined;
}

function parse(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
