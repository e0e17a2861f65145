import { STATUS_CODES } from "node:http";

import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { SystemCode } from "../../../base/outcome.ts";

/** The most that is told of a failure, in bytes. */
const problemBytesMax: number = 64 * 1024;

export const problemMediaType = "application/problem+json";

/** A failure as RFC 9457 has it, with what only Trunkline tells. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly executed: string;
  readonly declared?: true;
  readonly data?: unknown;
  readonly id?: string;
  readonly advice?: string;
  readonly retryAfterMs?: number | "never";
  readonly gate?: string;
  readonly cause?: { readonly operation: string; readonly code: string };
}

/** The status of what Trunkline itself raises. 499 is nobody's standard, and everybody's word for a caller that has left. */
const statuses: Readonly<Record<SystemCode, number>> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

/**
 * The status for a failure; `errors` says it for declared ones. 429 is for a caller that asks too much (RFC 6585, 4). Where the
 * server itself has enough to do, whoever asks, it is 503 (RFC 9110, 15.6.4): so where a gate of it has refused.
 */
export function statusOfFailure(
  { code, declared, executed, gate, endpointFault }: TrunklineError,
  errors: Readonly<Record<string, number>>,
): number {
  if (declared) return errors[code] ?? 409;
  const overloaded = code === "RESOURCE_EXHAUSTED" && executed === "no" && gate !== undefined;
  if (overloaded && endpointFault !== false) return 503;
  return statuses[code as SystemCode] ?? 500;
}

/** Texts that are no standard's. */
const titles: Readonly<Record<number, string>> = { 499: "Client Closed Request" };

function problemOf(error: TrunklineError, status: number): Problem {
  const { code, executed, reason, declared, data, id, advice, retryAfterMs, gate } = error;
  const cause = declared ? undefined : publicCause(error.cause);
  return {
    type: "about:blank",
    title: STATUS_CODES[status] ?? titles[status] ?? "Error",
    status,
    detail: reason,
    code,
    executed,
    ...(declared ? { declared, ...(data === undefined ? {} : { data }) } : {}),
    ...(id === undefined ? {} : { id }),
    ...(advice === undefined ? {} : { advice }),
    ...(cause === undefined ? {} : { cause }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(gate === undefined ? {} : { gate }),
  };
}

/**
 * The problem as text; undefined when the data of a declared error is too much. The stack and the cause's text stay at
 * home. Throws when that data cannot be written.
 */
export function problemText(error: TrunklineError, status: number): string | undefined {
  const problem = problemOf(error, status);
  const text = JSON.stringify(problem);
  if (Buffer.byteLength(text) <= problemBytesMax) return text;
  if (error.declared) return undefined;
  const detail = `${error.reason.slice(0, 1_000)}… (cut: the error is too large to send)`;
  return JSON.stringify({ ...problem, detail, advice: undefined });
}

/** What is told instead of a declared error whose data is too much: without it, it would not be what the contract says. */
export function tooLarge({ code, executed }: TrunklineError): TrunklineError {
  const reason = `the error ${code.slice(0, 100)} takes more than ${problemBytesMax} bytes with its data`;
  const advice = "declare less data for it, or answer with it instead";
  return systemError("RESOURCE_EXHAUSTED", reason, { executed, advice });
}

function publicCause(cause: unknown): { operation: string; code: string } | undefined {
  if (typeof cause !== "object" || cause === null) return undefined;
  const { operation, code } = cause as Record<string, unknown>;
  return typeof operation === "string" && typeof code === "string"
    ? { operation, code }
    : undefined;
}
