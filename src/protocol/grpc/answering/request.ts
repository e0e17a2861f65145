import type { IncomingHttpHeaders } from "node:http2";

import type { Peer } from "../../../base/peer.ts";
import { parseTraceparent } from "../../../base/trace.ts";
import { Incoming } from "../../incoming.ts";
import { bootHeader, hearStanding, laneHeader, triesHeader } from "../../standing-headers.ts";
import { isUnary, type Method } from "../methods.ts";
import type { Spoken } from "../wire/media-type.ts";
import { acceptHeader, attemptsHeader, readBeside, textOf, traceHeader } from "../wire/metadata.ts";
import { readTimeout, readTimeoutMs } from "../wire/timeout.ts";
import { invalid } from "./received.ts";

/** What came beside the messages of a request. Throws what the caller is to be told when it cannot be read. */
export function incomingOf(
  headers: IncomingHttpHeaders,
  method: Method,
  { dialect }: Spoken,
  peer: Peer,
  bootId: string,
  now: number,
): Incoming {
  const connect = dialect === "connect-stream" || dialect === "connect-unary";
  const timeout = connect
    ? timeIn(headers, "connect-timeout-ms", readTimeoutMs)
    : timeIn(headers, "grpc-timeout", readTimeout);
  const acceptance = isUnary(method) ? timeout : timeIn(headers, acceptHeader, readTimeoutMs);
  const beside = readBeside(headers);
  if (beside === undefined) throw invalid("trunkline-headers-bin cannot be read");
  const trace = textOf(headers[traceHeader]);
  const incoming = new Incoming(
    peer,
    now + acceptance,
    isUnary(method) ? Infinity : now + timeout,
    trace === undefined ? undefined : parseTraceparent(trace),
    beside.idempotencyKey,
    beside.headers,
    now,
  );
  hearStanding(
    incoming,
    textOf(headers[laneHeader]),
    textOf(headers[triesHeader] ?? headers[attemptsHeader]),
    textOf(headers[bootHeader]),
    bootId,
  );
  return incoming;
}

/** Infinity when it is not said. */
function timeIn(
  headers: IncomingHttpHeaders,
  name: string,
  read: (text: string) => number | undefined,
): number {
  const text = textOf(headers[name]);
  if (text === undefined) return Infinity;
  const ms = read(text);
  if (ms === undefined) throw invalid(`the header ${name} is not a time`);
  return ms;
}
