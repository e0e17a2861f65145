import { isSystemCode, type SystemCode } from "../../../base/outcome.ts";

/** The names of gRPC's codes by their numbers: https://grpc.io/docs/guides/status-codes */
export const statusNames = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

export type StatusName = (typeof statusNames)[number];

const numbers: ReadonlyMap<string, number> = new Map(
  statusNames.map((name, index) => [name, index]),
);

/** The codes of gRPC that Trunkline never raises, and a contract may declare: they keep their meaning. */
const declarable: ReadonlySet<string> = new Set(
  statusNames.filter((name) => name !== "OK" && !isSystemCode(name)),
);

/**
 * The status of a failure. Trunkline's eleven codes are gRPC's own; a declared code is what the binding says, else the code
 * of gRPC that has its name, else FAILED_PRECONDITION.
 */
export function statusOf(code: string, declared: boolean, bound?: StatusName): number {
  if (!declared) return numbers.get(isSystemCode(code) ? code : "UNKNOWN")!;
  if (bound !== undefined) return numbers.get(bound)!;
  return numbers.get(declarable.has(code) ? code : "FAILED_PRECONDITION")!;
}

/** The name of a number; undefined when gRPC has no such code. */
export function statusName(status: number): StatusName | undefined {
  return statusNames[status];
}

/**
 * The code of Trunkline that says what a status of a foreign server says. Those that belong to the application say no more
 * than that it failed, where the contract does not declare them.
 */
export function systemCodeOf(name: StatusName): SystemCode {
  return isSystemCode(name) ? name : "UNKNOWN";
}

/** What the status of an answer means that is not gRPC's (a proxy's, say), as gRPC wants it understood. */
export function systemCodeOfHttp(httpStatus: number): SystemCode {
  switch (httpStatus) {
    case 400:
      return "INTERNAL";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "UNIMPLEMENTED";
    case 429:
    case 502:
    case 503:
    case 504:
      return "UNAVAILABLE";
    default:
      return "UNKNOWN";
  }
}
