import type { IncomingHttpHeaders } from "node:http";

/** An answer of HTTP as far as it came. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What came of the body, whole unless `cut`. */
  readonly body: Buffer;
  /** The body was cut short, or was more than is read of failures. */
  readonly cut: boolean;
}

/** One header as one text; undefined where there is none. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** The media type of a body, without parameters, in lower case; empty where none is told. */
export function mediaTypeOf(headers: IncomingHttpHeaders): string {
  const type = headerOf(headers, "content-type") ?? "";
  const end = type.indexOf(";");
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
}

/** `application/json` and everything that is JSON underneath: `application/problem+json` (RFC 6839). */
export function isJson(mediaType: string): boolean {
  return mediaType.endsWith("json") && /^[\w.+-]+\/(?:.*\+)?json$/.test(mediaType);
}
