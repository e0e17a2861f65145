import { bootHeader, laneHeader, triesHeader } from "../../standing-headers.ts";

/** Beside a request: what W3C and Trunkline have headers for. */
export const traceHeader = "traceparent";
const keyHeader = "idempotency-key";
/** The time in which a stream, upload or duplex has to be accepted, in milliseconds; `grpc-timeout` is for all of it. */
export const acceptHeader = "trunkline-timeout-ms";
/** How Trunkline callers call themselves. */
export const userAgent = "trunkline";
/**
 * The kind of operation that a Trunkline caller takes the method for: on the wire a call and a stream look alike. Absent: a
 * call, because each header costs both sides.
 */
export const kindHeader = "trunkline-kind";
/** Whether the handler ran: in the trailers of a failure. */
export const executedHeader = "trunkline-executed";
/** `1`: the handler reads the items of the request. It comes before the answer does. */
export const acceptedHeader = "trunkline-accepted";
/** How often a call was tried before (gRFC A6). */
export const attemptsHeader = "grpc-previous-rpc-attempts";
/** When it may be tried again, in milliseconds; below zero: not at all (gRFC A6). In the trailers of a failure. */
export const pushbackHeader = "grpc-retry-pushback-ms";
/** The code of a failure, declared ones included. */
export const codeHeader = "trunkline-code";
/** What no header can say as it is: base64 of a JSON object of texts by name. */
const textsHeader = "trunkline-headers-bin";

/** What belongs to HTTP, gRPC and Connect, and not to the caller. */
const reserved: ReadonlySet<string> = new Set([
  ":authority",
  ":method",
  ":path",
  ":scheme",
  "accept",
  "accept-encoding",
  "accept-language",
  "connect-accept-encoding",
  "connect-content-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-timeout",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "te",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "x-grpc-web",
  "x-user-agent",
  acceptHeader,
  acceptedHeader,
  bootHeader,
  codeHeader,
  executedHeader,
  keyHeader,
  kindHeader,
  laneHeader,
  textsHeader,
  traceHeader,
  triesHeader,
]);

function isReserved(name: string): boolean {
  return reserved.has(name) || name.startsWith(":") || name.startsWith("grpc-");
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

export type HttpHeaders = Readonly<Record<string, string | readonly string[] | number | undefined>>;

/** What a request brought along beside its messages. */
export interface Beside {
  readonly headers: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | undefined;
}

/** Reads the headers of a request. Undefined: what stands in `trunkline-headers-bin` is not what it should be. */
export function readBeside(http: HttpHeaders): Beside | undefined {
  let headers: Record<string, string> | undefined;
  for (const name in http) {
    if (isReserved(name)) continue;
    const value = textOf(http[name]);
    if (value !== undefined) (headers ??= {})[name] = value;
  }
  let idempotencyKey = textOf(http[keyHeader]);
  const texts = textOf(http[textsHeader]);
  if (texts !== undefined) {
    const further = readTexts(texts);
    if (further === undefined) return undefined;
    const { [keyHeader]: key, ...rest } = further;
    idempotencyKey = key ?? idempotencyKey;
    headers = { ...headers, ...rest };
  }
  return { headers: headers ?? noHeaders, idempotencyKey };
}

/** Writes headers and idempotency key into those of a request. */
export function writeBeside(
  http: Record<string, string | readonly string[] | number>,
  headers: Readonly<Record<string, string>> | undefined,
  idempotencyKey: string | undefined,
): void {
  let texts: Record<string, string> | undefined;
  for (const name in headers) {
    const value = headers[name]!;
    if (isPlain(name, value) && !isReserved(name)) http[name] = value;
    else (texts ??= {})[name] = value;
  }
  if (idempotencyKey !== undefined) {
    if (isPlain(keyHeader, idempotencyKey)) http[keyHeader] = idempotencyKey;
    else (texts ??= {})[keyHeader] = idempotencyKey;
  }
  if (texts !== undefined)
    http[textsHeader] = Buffer.from(JSON.stringify(texts)).toString("base64");
}

/** A header can say it: a token in lower case, and visible ASCII with spaces within; base64 where the name asks for it. */
function isPlain(name: string, value: string): boolean {
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return false;
  if (name.endsWith("-bin")) return /^[A-Za-z0-9+/]*={0,2}$/.test(value);
  return /^([!-~]([ -~]*[!-~])?)?$/.test(value);
}

/** Header of several values are one text, as HTTP reads them (RFC 9110, 5.3). */
export function textOf(value: HttpHeaders[string]): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  return typeof value === "number" ? String(value) : value.join(", ");
}

function readTexts(base64: string): Record<string, string> | undefined {
  try {
    const texts = JSON.parse(Buffer.from(base64, "base64").toString("utf8")) as unknown;
    if (typeof texts !== "object" || texts === null || Array.isArray(texts)) return undefined;
    const entries = Object.entries(texts as Record<string, unknown>);
    if (!entries.every(([, value]) => typeof value === "string")) return undefined;
    return texts as Record<string, string>;
  } catch {
    return undefined;
  }
}
