import type { OutgoingHttpHeaders } from "node:http";

import { systemError, type TrunklineError } from "../../base/error.ts";
import type { HttpResponse } from "../../protocol/http/http-server.ts";
import { codeHeader, executedHeader } from "../../protocol/rest/wire/header-names.ts";
import {
  problemMediaType,
  problemText,
  statusOfFailure,
} from "../../protocol/rest/wire/problem.ts";

/** How HTTP answers, from whichever version it came. */
export interface PlainResponse {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  readonly statusCode: number;
  /** Undefined where HTTP/2 does not tell. */
  readonly writableFinished?: boolean;
  /** Of HTTP/2. */
  readonly stream?: { readonly destroyed: boolean };
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): unknown;
  writeContinue(): void;
  destroy(error?: Error): unknown;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** Both versions of Node have all of it, and say so in types that do not meet. */
export function plain(response: HttpResponse): PlainResponse {
  return response;
}

/** Nobody is there any more to be answered. */
export function isGone({ destroyed, stream }: PlainResponse): boolean {
  return destroyed || stream?.destroyed === true;
}

/** Declared errors that the convention knows: as REST has them without a binding. */
const declaredStatuses: Readonly<Record<string, number>> = { NOT_FOUND: 404, OUT_OF_RANGE: 400 };

/** Answers with a failure, as REST does; what has begun is cut, so that nobody takes it for whole. */
export function answerFailure(
  response: PlainResponse,
  error: TrunklineError,
  status: number = statusOfFailure(error, declaredStatuses),
): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { retryAfterMs } = error;
  const again =
    typeof retryAfterMs === "number" ? Math.max(1, Math.ceil(retryAfterMs / 1_000)) : undefined;
  const text = problemText(error, status) ?? "";
  response.writeHead(status, {
    "content-type": problemMediaType,
    "content-length": Buffer.byteLength(text),
    [executedHeader]: error.executed,
    [codeHeader]: error.code,
    ...(again === undefined ? {} : { "retry-after": String(again) }),
  });
  response.end(text);
}

export function answerJson(
  response: PlainResponse,
  value: unknown,
  headers: OutgoingHttpHeaders,
): void {
  if (response.destroyed || response.headersSent) return;
  const text = JSON.stringify(value);
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** A failure of the gateway itself: nothing has gone on. */
export function refusedHere(
  code: Parameters<typeof systemError>[0],
  reason: string,
  advice?: string,
): TrunklineError {
  return systemError(code, reason, { executed: "no", advice });
}
