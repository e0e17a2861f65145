import type { IncomingHttpHeaders } from "node:http";

import { systemError } from "../../../base/error.ts";
import {
  headerText,
  idempotencyKeyHeader,
  timeoutHeader,
  totalHeader,
  unquoted,
} from "../wire/header-names.ts";
import { headerIn } from "./messages.ts";

/** What belongs to HTTP or to us, and not to the caller. */
const reserved: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "http2-settings",
  "idempotency-key",
  "if-none-match",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "traceparent",
  "transfer-encoding",
  "upgrade",
]);

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/** The headers that are the caller's own. `version`: the one that tells the version, if there is one. */
export function ownHeaders(
  headers: IncomingHttpHeaders,
  version: string | undefined,
): Readonly<Record<string, string>> {
  let own: Record<string, string> | undefined;
  for (const name in headers) {
    if (reserved.has(name) || name === version) continue;
    const first = name.charCodeAt(0);
    if (first === colon || (first === letterT && name.startsWith("trunkline-"))) continue;
    const value = headerIn(headers, name);
    if (value !== undefined) (own ??= {})[name] = headerText(value);
  }
  return own ?? noHeaders;
}

const colon = 0x3a;
const letterT = 0x74;

export function idempotencyKeyIn(headers: IncomingHttpHeaders): string | undefined {
  const value = headerIn(headers, idempotencyKeyHeader);
  return value === undefined ? undefined : unquoted(value);
}

/** The instant by which an answer, or the acceptance of items, is waited for; Infinity when nobody says. */
export function deadlineIn(headers: IncomingHttpHeaders, now: number): number {
  return instantIn(headers, timeoutHeader, now);
}

/** The instant by which a stream or upload is to have ended. */
export function totalIn(headers: IncomingHttpHeaders, now: number): number {
  return instantIn(headers, totalHeader, now);
}

function instantIn(headers: IncomingHttpHeaders, name: string, now: number): number {
  const text = headerIn(headers, name);
  if (text === undefined) return Infinity;
  if (/^\d{1,15}(?:\.\d{1,6})?$/.test(text)) return now + Number(text);
  throw systemError(
    "INVALID_ARGUMENT",
    `the header ${name} is a number of milliseconds, not ${JSON.stringify(text.slice(0, 100))}`,
    { executed: "no" },
  );
}
