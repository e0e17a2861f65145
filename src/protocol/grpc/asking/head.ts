import type { OutgoingHttpHeaders } from "node:http2";

import { systemError } from "../../../base/error.ts";
import type { Kind } from "../../../base/handler.ts";
import type { Attempt } from "../../attempt.ts";
import { standingHeaders } from "../../standing-headers.ts";
import { acceptEncoding } from "../wire/compression.ts";
import {
  acceptHeader,
  attemptsHeader,
  kindHeader,
  traceHeader,
  userAgent,
  writeBeside,
} from "../wire/metadata.ts";
import { writeTimeout } from "../wire/timeout.ts";
import type { CalledMethod } from "./method.ts";

/** How a method is asked for. */
export type Dialect = "grpc" | "connect-stream" | "connect-unary";

const perDialect: Readonly<Record<Dialect, OutgoingHttpHeaders>> = {
  grpc: {
    "content-type": "application/grpc+proto",
    te: "trailers",
    "grpc-accept-encoding": acceptEncoding,
  },
  "connect-stream": {
    "content-type": "application/connect+proto",
    "connect-protocol-version": "1",
    "connect-accept-encoding": "gzip",
  },
  "connect-unary": {
    "content-type": "application/proto",
    "connect-protocol-version": "1",
    "accept-encoding": "gzip",
  },
};

/** Where each dialect says how its messages are compressed. */
const encodingHeader: Readonly<Record<Dialect, string>> = {
  grpc: "grpc-encoding",
  "connect-stream": "connect-content-encoding",
  "connect-unary": "content-encoding",
};

/** The most that `connect-timeout-ms` says: ten digits. */
const connectTimeoutMax = 9_999_999_999;

/** The caller's own headers in bytes: what servers of HTTP usually take for all of them. */
const headersBytesMax = 16 * 1024;

/** Refuses headers that servers would refuse with the connection, or without a word. */
export function checkHeaders({ headers }: Attempt): void {
  let bytes = 0;
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!);
  if (bytes <= headersBytesMax) return;
  const reason = `the headers take ${bytes} bytes, ${headersBytesMax} are allowed`;
  throw systemError("INVALID_ARGUMENT", reason, {
    executed: "no",
    advice: "headers are for a few short texts: send it as part of the input",
  });
}

/** The headers of a request that is sent now. */
export function headOf(
  dialect: Dialect,
  { path, operation }: CalledMethod,
  attempt: Attempt,
  encoding: string | undefined,
  now: number,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ":method": "POST",
    ":path": path,
    ...perDialect[dialect],
    "user-agent": userAgent,
    [traceHeader]: attempt.trace.traceparent,
  };
  if (operation.kind !== "call") headers[kindHeader] = operation.kind;
  if (encoding !== undefined) headers[encodingHeader[dialect]] = encoding;
  const unary = isSingle(operation.kind);
  const accept = attempt.deadlineAt - now;
  const total = unary ? accept : attempt.totalAt - now;
  if (total !== Infinity) {
    if (dialect === "grpc") headers["grpc-timeout"] = writeTimeout(total);
    else headers["connect-timeout-ms"] = inMs(total);
  }
  if (!unary && accept !== Infinity) headers[acceptHeader] = inMs(accept);
  for (const [name, value] of standingHeaders(attempt)) headers[name] = value;
  if (attempt.tries > 0 && dialect === "grpc") headers[attemptsHeader] = String(attempt.tries);
  writeBeside(headers as Record<string, string>, attempt.headers, attempt.idempotencyKey);
  return headers;
}

/** One message goes and one comes. */
export function isSingle(kind: Kind): boolean {
  return kind === "call" || kind === "notification";
}

function inMs(ms: number): string {
  return String(Math.min(connectTimeoutMax, Math.max(1, Math.ceil(ms))));
}
