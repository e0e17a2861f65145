import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Socket } from "node:net";

/** What is used of a request: the form of `node:http`, which that of `node:http2`, and those of hosts, have too. */
export interface RestRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersionMajor: number;
  /** What a server of somebody else has made of the body, once it has read it. */
  readonly body?: unknown;
  readonly readableEnded?: boolean;
  /** Of Express: what was taken off the URL. */
  readonly baseUrl?: string;
  /** All of it has come. */
  readonly complete: boolean;
  readonly socket: Socket;
  /** Of HTTP/2. */
  readonly stream?: { readonly endAfterHeaders?: boolean };
  on(event: string, listener: (...given: never[]) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(error?: Error): unknown;
}

/** What is used of an answer. */
export interface RestResponse {
  readonly headersSent: boolean;
  readonly writableNeedDrain: boolean;
  readonly destroyed: boolean;
  on(event: string, listener: (...given: never[]) => void): unknown;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): unknown;
  writeContinue(): void;
  /** Of HTTP/1.1. */
  writeProcessing?(): void;
  /** Of HTTP/2. */
  readonly stream?: {
    additionalHeaders(headers: OutgoingHttpHeaders): void;
    destroy(error: Error): unknown;
  };
  destroy(error?: Error): unknown;
}

/** Where in a server of somebody else a request has come to us. */
export interface MountPoint {
  /** What of the URL belongs to that server: `/api`. */
  readonly stripped: string;
  /** What a caller writes before our paths: `/api`. */
  readonly shown: string;
  /** Takes what is not ours; undefined: we answer that, too. */
  readonly next: (() => void) | undefined;
}

/** The request says that a body follows. */
export function hasBody({ headers, httpVersionMajor, stream }: RestRequest): boolean {
  if (httpVersionMajor >= 2) return stream?.endAfterHeaders !== true;
  const length = headers["content-length"];
  return (length !== undefined && length !== "0") || headers["transfer-encoding"] !== undefined;
}

/** One header as one text. */
export function headerIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
