/**
 * Whether the handler of an operation ran.
 *
 * - `no`: its first statement never ran, or the request never left this process. Always safe to try again.
 * - `yes`: it ran to its end, whether it returned or threw. Never repeated automatically.
 * - `maybe`: everything else. Safe to repeat only when the operation is idempotent.
 */
export type Executed = "no" | "maybe" | "yes";

/** The codes that Trunkline itself raises. A contract may not declare them. */
export const systemCodes = [
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/**
 * Eleven of gRPC's sixteen codes. The other five (NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION,
 * ABORTED, OUT_OF_RANGE) belong to the application: Trunkline never raises them, a contract may declare them.
 */
export type SystemCode = (typeof systemCodes)[number];

const known: ReadonlySet<string> = new Set(systemCodes);

/** Tells a code of Trunkline from one that a contract declares. */
export function isSystemCode(code: string): code is SystemCode {
  return known.has(code);
}
