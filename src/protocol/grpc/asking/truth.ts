import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { SystemCode, Executed } from "../../../base/outcome.ts";
import { executedOf } from "../wire/failure.ts";
import { executedHeader, textOf, type HttpHeaders } from "../wire/metadata.ts";
import { systemCodeOfHttp } from "../wire/status.ts";

/** What a server says of the handler; undefined when it is none of ours. */
export function saidExecuted(headers: HttpHeaders): Executed | undefined {
  return executedOf(textOf(headers[executedHeader]));
}

/**
 * What is known of the handler when a foreign server says nothing of it. It has no method to run where it knows none
 * (UNIMPLEMENTED, and nothing before it); of all else nobody knows.
 */
export function foreignTruth(status: string, answered: boolean): "no" | undefined {
  return status === "UNIMPLEMENTED" && !answered ? "no" : undefined;
}

/** By what a server of HTTP refuses before anybody looks at the request: there is no such thing there. */
const neverRan: ReadonlySet<number> = new Set([404, 405, 415, 426, 431, 505]);

/** An answer that is neither gRPC's nor Connect's: a proxy's, or that of some other server. */
export function strangeAnswer(httpStatus: number, headers: HttpHeaders): TrunklineError {
  const executed = saidExecuted(headers) ?? (neverRan.has(httpStatus) ? "no" : "maybe");
  const code = httpStatus === 200 ? "UNKNOWN" : systemCodeOfHttp(httpStatus);
  const type = textOf(headers["content-type"]) ?? "no content type";
  return systemError(code, `the answer is HTTP ${httpStatus} with ${type}`, {
    executed,
    // Who asks to be known, or says that it is not allowed, answers this caller; all else would meet others too.
    ...(httpStatus === 401 || httpStatus === 403 ? {} : { endpointFault: true }),
    advice: "look whether the address is that of a server that speaks this protocol",
  });
}

/** What a stream that ended without an answer means, by the code of its reset (RFC 9113, 7; gRPC over HTTP/2, errors). */
const resets: Readonly<Record<number, readonly [code: SystemCode, words: string]>> = {
  7: ["UNAVAILABLE", "the server has refused the stream"],
  8: ["CANCELLED", "the server has cancelled the request"],
  11: ["RESOURCE_EXHAUSTED", "the server says that it is asked too much"],
  12: ["PERMISSION_DENIED", "the server wants a connection that is more secure"],
};

/** REFUSED_STREAM: by RFC 9113, 8.7 the server has not looked at the request. */
export const refusedStream = 7;

export function resetBy(code: number, executed: "no" | "maybe"): TrunklineError {
  const [systemCode, words] = resets[code] ?? ["INTERNAL", "the server has reset the request"];
  return systemError(systemCode, `${words} (HTTP/2 error ${code})`, { executed });
}

/** The connection went before the answer came. */
export function lostBefore(what: string, reason: string, executed: "no" | "maybe"): TrunklineError {
  return systemError("UNAVAILABLE", `the connection was lost before ${what}: ${reason}`, {
    executed,
  });
}
