import type { Executed, SystemCode } from "../../../base/outcome.ts";

/** What is to be said of a request that did not succeed. */
export interface Verdict {
  readonly code: SystemCode;
  /** Where the answer does not say so itself, in `trunkline-executed`. */
  readonly executed: Executed;
  /** It speaks against the endpoint, and not only against the request: others would fare alike. */
  readonly counts: boolean;
}

/** How a request can end without an answer that says what became of it. */
export type Loss =
  /** No connection could be made, or none became free in time. */
  | "unconnected"
  /** The connection was lost before a byte of the request was written. */
  | "unwritten"
  /** The connection was lost, or HTTP was broken, before the answer began. A kept connection may have been closed just then. */
  | "unanswered"
  /** An answer of success began and was cut short. */
  | "cut"
  /** The headers of the answer are more than is read. */
  | "headers too large"
  /** The body of an answer of success is more than is read. */
  | "answer too large"
  /** An answer of success whose body is not what its operation answers: another media type, or not well-formed. */
  | "unreadable";

/**
 * What is known when no status tells, or it tells of success. A request was read by nobody as long as it was not written;
 * after that nobody knows. A status of success says that the service has done its work (RFC 9110, 15.3).
 */
export const lossVerdicts: Readonly<Record<Loss, Verdict>> = {
  unconnected: { code: "UNAVAILABLE", executed: "no", counts: true },
  unwritten: { code: "UNAVAILABLE", executed: "no", counts: true },
  unanswered: { code: "UNAVAILABLE", executed: "maybe", counts: true },
  cut: { code: "UNAVAILABLE", executed: "maybe", counts: true },
  "headers too large": { code: "RESOURCE_EXHAUSTED", executed: "maybe", counts: false },
  "answer too large": { code: "RESOURCE_EXHAUSTED", executed: "yes", counts: false },
  unreadable: { code: "INTERNAL", executed: "yes", counts: true },
};

/**
 * What a status means that comes without our headers: from a foreign service, or a proxy on the way. `no` stands only where
 * the standard says that the request was not applied; who answers 403 or 404 may have worked first, and a gateway that
 * answers 502 or 504 does not know what the service does.
 */
const statusVerdicts: Readonly<Record<number, Verdict>> = {
  400: verdict("INVALID_ARGUMENT", "maybe"),
  401: verdict("UNAUTHENTICATED", "no"), // "has not been applied" (RFC 9110, 15.5.2)
  402: verdict("PERMISSION_DENIED", "maybe"),
  403: verdict("PERMISSION_DENIED", "maybe"),
  404: verdict("UNIMPLEMENTED", "maybe"),
  405: verdict("UNIMPLEMENTED", "no"), // the resource does not have the method
  406: verdict("UNIMPLEMENTED", "maybe"), // may be noticed when the answer is written
  407: verdict("UNAUTHENTICATED", "no"), // the proxy has not passed it on
  408: verdict("UNAVAILABLE", "no"), // not all of it had come
  410: verdict("UNIMPLEMENTED", "maybe"),
  411: verdict("INVALID_ARGUMENT", "no"), // refuses to accept it
  413: verdict("RESOURCE_EXHAUSTED", "no"), // refuses to process it
  414: verdict("RESOURCE_EXHAUSTED", "no"), // refuses to interpret it
  415: verdict("UNIMPLEMENTED", "no"), // refuses to service it
  417: verdict("UNIMPLEMENTED", "no"),
  421: verdict("UNAVAILABLE", "no"), // another server is meant
  422: verdict("INVALID_ARGUMENT", "maybe"),
  425: verdict("UNAVAILABLE", "no"), // unwilling to risk processing it (RFC 8470)
  426: verdict("UNIMPLEMENTED", "no"), // refuses to perform it
  428: verdict("INVALID_ARGUMENT", "no"), // asks for a conditional request (RFC 6585)
  429: verdict("RESOURCE_EXHAUSTED", "maybe"),
  431: verdict("RESOURCE_EXHAUSTED", "no"), // unwilling to process it (RFC 6585)
  451: verdict("PERMISSION_DENIED", "maybe"),
  499: verdict("CANCELLED", "maybe"),
  501: verdict("UNIMPLEMENTED", "no"), // does not have the method for any resource
  502: verdict("UNAVAILABLE", "maybe", true),
  503: verdict("UNAVAILABLE", "maybe", true),
  504: verdict("DEADLINE_EXCEEDED", "maybe", true),
  505: verdict("UNIMPLEMENTED", "no"), // does not speak this version of HTTP
  507: verdict("RESOURCE_EXHAUSTED", "maybe", true),
  511: verdict("UNAUTHENTICATED", "no"), // the network has not let it out (RFC 6585)
  // A redirection that keeps the method has left the request to somebody else (RFC 9110, 15.4.8, 15.4.9).
  307: verdict("UNKNOWN", "no"),
  308: verdict("UNKNOWN", "no"),
};

/** What a status that is no success means. */
export function verdictOf(status: number): Verdict {
  const known = statusVerdicts[status];
  if (known !== undefined) return known;
  return status >= 500 ? verdict("INTERNAL", "maybe", true) : verdict("UNKNOWN", "maybe");
}

function verdict(code: SystemCode, executed: Executed, counts: boolean = false): Verdict {
  return { code, executed, counts };
}
