import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

import { codeHeader, executedHeader, pushbackHeader } from "../wire/metadata.ts";

/** Which pages of other origins may call from a browser. */
export interface Cors {
  /** `https://desk.example`, each; `*`: all, which then send no cookies. */
  readonly origins: "*" | readonly string[];
  /** How long a browser may remember what it may, in seconds. Default 7,200. */
  readonly maxAgeSeconds?: number;
}

/** What a page may read of an answer, beside what it always may. */
const exposed = [
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-encoding",
  "content-encoding",
  "connect-content-encoding",
  executedHeader,
  codeHeader,
  pushbackHeader,
].join(", ");

/** The headers that let the page of a request read its answer; none when it may not. */
export function corsHeaders(
  cors: Cors | undefined,
  headers: IncomingHttpHeaders,
): OutgoingHttpHeaders {
  const origin = allowed(cors, headers.origin);
  if (cors === undefined || origin === undefined) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": exposed,
    ...(cors.origins === "*" ? {} : { vary: "Origin" }),
  };
}

/** The answer to the question that browsers ask before a call. */
export function preflightHeaders(
  cors: Cors | undefined,
  headers: IncomingHttpHeaders,
): OutgoingHttpHeaders {
  if (cors === undefined || allowed(cors, headers.origin) === undefined) return {};
  return {
    ...corsHeaders(cors, headers),
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": headers["access-control-request-headers"] ?? "*",
    "access-control-max-age": String(cors.maxAgeSeconds ?? 7_200),
  };
}

function allowed(cors: Cors | undefined, origin: string | undefined): string | undefined {
  if (cors === undefined || origin === undefined) return undefined;
  if (cors.origins === "*") return "*";
  return cors.origins.includes(origin) ? origin : undefined;
}
