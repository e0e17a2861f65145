import type { Detail, RpcStatus } from "./rpc-status.ts";
import { statusNames, type StatusName } from "./status.ts";

/** The codes of the Connect protocol are gRPC's in lower case, but for one: https://connectrpc.com/docs/protocol#error-codes */
function connectName(name: StatusName): string {
  return name === "CANCELLED" ? "canceled" : name.toLowerCase();
}

const byConnectName: ReadonlyMap<string, number> = new Map(
  statusNames.map((name, status) => [connectName(name), status]),
);

/** What HTTP says of a unary failure, by the number of the status. */
const httpStatuses: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

export function httpStatusOf(status: number): number {
  return httpStatuses[status] ?? 500;
}

/** An error as Connect writes it: `{ code, message, details: [{ type, value }] }`. */
export function failureJson({ status, message, details }: RpcStatus): object {
  const told = details.map(({ type, value }) => ({
    type,
    value: Buffer.from(value).toString("base64").replaceAll("=", ""),
  }));
  return { code: connectName(statusNames[status] ?? "UNKNOWN"), message, details: told };
}

/** Reads it; undefined when it is not one. */
export function readFailureJson(value: unknown): RpcStatus | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { code, message, details } = value as Record<string, unknown>;
  const status = typeof code === "string" ? byConnectName.get(code) : undefined;
  if (status === undefined) return undefined;
  return {
    status,
    message: typeof message === "string" ? message : "",
    details: (Array.isArray(details) ? details : []).flatMap(readDetail),
  };
}

function readDetail(detail: unknown): Detail[] {
  const { type, value } = (detail ?? {}) as Record<string, unknown>;
  if (typeof type !== "string" || typeof value !== "string") return [];
  return [{ type, value: Buffer.from(value, "base64") }];
}
