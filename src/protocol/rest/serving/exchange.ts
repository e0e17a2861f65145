import { hash } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";

import { channels } from "../../../base/diagnostics.ts";
import type { Env } from "../../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import type { Peer } from "../../../base/peer.ts";
import type { Incoming } from "../../incoming.ts";
import { pushbackText } from "../../pushback.ts";
import { bootHeader } from "../../standing-headers.ts";
import { problemMediaType, problemText, statusOfFailure, tooLarge } from "../wire/problem.ts";
import {
  acceptanceHeader,
  codeHeader,
  executedHeader,
  idempotencyKeyHeader,
  retryAfterMsHeader,
} from "../wire/header-names.ts";
import { retryAfterS, type RestBounds } from "./bounds.ts";
import { codingFor, compress } from "./coding.ts";
import type { Cors } from "./cors.ts";
import type { Endpoint } from "./endpoint.ts";
import { octets, type Written } from "./formats.ts";
import { headerIn, type MountPoint, type RestRequest, type RestResponse } from "./messages.ts";
import type { Refusal } from "./refusal.ts";

/** What answers need of who serves them. */
export interface ExchangeHome {
  readonly bounds: RestBounds;
  readonly cors: Cors | undefined;
  readonly env: Env;
  /** It counts as under way. */
  began(exchange: Exchange): void;
  /** It is over: answered, or given up, and its handler has settled. */
  ended(exchange: Exchange): void;
}

/** One request and its answer. */
export class Exchange {
  readonly home: ExchangeHome;
  readonly request: RestRequest;
  readonly response: RestResponse;
  readonly peer: Peer;
  /** What it asks for, as seen from where we stand. */
  readonly url: string;
  /** What stands before our paths for the caller. */
  readonly #shown: string;
  /** What was asked for, once it was found. */
  endpoint: Endpoint | undefined = undefined;
  /** How the answer is written. */
  written: Written | undefined = undefined;
  /** What the handler knows of it, once it may begin. */
  incoming: Incoming | undefined = undefined;
  /** The answer has begun. */
  answered = false;
  /** Nobody waits for the answer any more. */
  gone = false;
  /** All of the answer was handed to the connection. A stream of HTTP/2 that is reset looks as if it had been. */
  #ended = false;
  /** Who asked whether it may send was told that it may. */
  #told100 = false;
  /** An item of the caller was larger than is taken: what fails because of that is its doing. */
  sentTooMuch = false;
  /** Its handler was started, and has not settled. */
  running = false;

  constructor(
    home: ExchangeHome,
    request: RestRequest,
    response: RestResponse,
    peer: Peer,
    point: MountPoint | undefined,
  ) {
    const { url = "" } = request;
    this.url = point === undefined ? url : url.slice(point.stripped.length);
    this.#shown = point?.shown ?? "";
    this.home = home;
    this.request = request;
    this.response = response;
    this.peer = peer;
  }

  /** Nothing ran: the caller may safely try again, or elsewhere. */
  refuse({ error, status, headers }: Refusal): void {
    this.endpoint?.served.refused?.(error.code);
    if (channels.refusal.hasSubscribers) {
      const operation = this.endpoint?.operation.name ?? "unknown";
      channels.refusal.publish({ operation, code: error.code, reason: error.reason });
    }
    // Who asked whether it may send its body may keep it now, or send it: the next request could not be told from it.
    const closes = this.request.headers.expect !== undefined && !this.#told100;
    this.#fail(error, status ?? statusOfFailure(error, {}), {
      ...headers,
      ...(closes && this.request.httpVersionMajor < 2 ? { connection: "close" } : {}),
    });
    this.over();
  }

  /** What the handler failed with, or what became of its answer. */
  fail(failure: unknown): void {
    if (this.gone || this.answered) return;
    const error = isTrunklineError(failure) ? failure : this.endpoint!.served.incident(failure);
    const status = statusFor(error, this.endpoint!.route.errors);
    this.#fail(error, this.sentTooMuch && status === 500 ? 413 : status, undefined);
  }

  #fail(error: TrunklineError, status: number, headers: OutgoingHttpHeaders | undefined): void {
    if (this.gone || this.answered) return;
    let text: string | undefined;
    try {
      text = problemText(error, status);
    } catch (exception) {
      return this.fail(this.endpoint!.served.incident(exception));
    }
    if (text === undefined) return this.fail(tooLarge(error));
    const told = {
      "content-type": problemMediaType,
      [executedHeader]: error.executed,
      [codeHeader]: error.code,
      ...pushbackHeaders(error, status),
      ...headers,
    };
    this.send(status, this.endpoint === undefined ? told : this.#told(told), text);
  }

  /** What the handler has answered. To be waited for where that gives a promise: it is being compressed. */
  answer(output: unknown): Promise<void> | void {
    if (this.gone || this.answered) return;
    const { route, served, locate, tagged } = this.endpoint!;
    const headers: OutgoingHttpHeaders = {};
    const location = locate?.(output);
    if (location !== undefined)
      headers["location"] = this.#shown + this.endpoint!.addressOf(location, this.url);
    const next = this.endpoint!.nextOf(output, this.url);
    if (next !== undefined) headers["link"] = `<${this.#shown}${next}>; rel="next"`;
    if (route.answer === "none") return this.send(route.status, this.#told(headers), undefined);
    const { codec, mediaType } = this.written!;
    let payload: string | Uint8Array;
    try {
      payload = codec.encode(output);
    } catch (exception) {
      return this.fail(served.incident(exception));
    }
    const bytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
    if (bytes > this.home.bounds.itemBytesMax) return this.fail(this.#excess(bytes));
    if (bytes === 0 && output === undefined) return this.send(204, this.#told(headers), undefined);
    headers["content-type"] = mediaType;
    if (route.cacheControl !== undefined) headers["cache-control"] = route.cacheControl;
    if (tagged) {
      const tag = `W/"${hash("sha1", payload, "base64url")}"`;
      headers["etag"] = tag;
      if (matches(this.request.headers["if-none-match"], tag)) {
        delete headers["content-type"];
        return this.send(304, this.#told(headers), undefined);
      }
    }
    return this.#compressed(route.status, this.#told(headers), payload, bytes);
  }

  /** It is on its way; more is not told. */
  sendAccepted(): void {
    this.send(this.endpoint!.route.status, this.#told({}), undefined);
  }

  #excess(bytes: number): TrunklineError {
    const reason = `the output takes ${bytes} bytes, ${this.home.bounds.itemBytesMax} are allowed`;
    return systemError("RESOURCE_EXHAUSTED", reason, {
      executed: "yes",
      advice: "answer in parts (a stream), or raise itemBytesMax on both sides",
    });
  }

  #compressed(
    status: number,
    headers: OutgoingHttpHeaders,
    payload: string | Uint8Array,
    bytes: number,
  ): Promise<void> | void {
    const coding =
      bytes >= this.home.bounds.compressedFromBytes && this.written!.mediaType !== octets
        ? codingFor(headerIn(this.request.headers, "accept-encoding"))
        : undefined;
    if (coding === undefined) return this.send(status, headers, payload, bytes);
    return compress(coding, payload).then((smaller) => {
      if (smaller === undefined || smaller.length >= bytes)
        this.send(status, headers, payload, bytes);
      else this.send(status, { ...headers, "content-encoding": coding }, smaller);
    });
  }

  /** Items may come: tells so to whoever waits before it sends them. */
  accepted(): void {
    if (this.#told100 || this.gone || this.answered) return;
    this.#told100 = true;
    const { headers, httpVersionMajor } = this.request;
    const { response } = this;
    if (headers[acceptanceHeader] === "102") {
      if (httpVersionMajor >= 2) response.stream?.additionalHeaders({ ":status": 102 });
      else response.writeProcessing?.();
    } else if (headers.expect !== undefined) response.writeContinue();
  }

  /** What every answer of the operation says, whatever came of it. */
  #told(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
    const { vary, retirement } = this.endpoint!;
    if (vary !== undefined) headers["vary"] = vary;
    if (retirement === undefined) return headers;
    const links = [headers["link"], retirement["link"]].filter((link) => link !== undefined);
    return Object.assign(headers, retirement, links.length > 1 ? { link: links.join(", ") } : {});
  }

  /** The headers with which an answer of items begins. */
  begin(): void {
    const { route } = this.endpoint!;
    const headers = this.#told({ "content-type": this.written!.mediaType });
    headers["cache-control"] = route.cacheControl ?? "no-store";
    this.answered = true;
    this.#head(route.status, headers);
  }

  #head(status: number, headers: OutgoingHttpHeaders): void {
    const { home, request } = this;
    home.cors?.answer(request.headers, headers);
    // Who repeats a request under its key may want the same process again.
    if (request.headers[idempotencyKeyHeader] !== undefined)
      headers[bootHeader] = home.bounds.bootId;
    this.response.writeHead(status, headers);
  }

  send(
    status: number,
    headers: OutgoingHttpHeaders,
    payload: string | Uint8Array | undefined,
    bytes?: number,
  ): void {
    if (this.gone || this.answered) return;
    this.answered = true;
    if (payload !== undefined)
      headers["content-length"] =
        bytes ?? (typeof payload === "string" ? Buffer.byteLength(payload) : payload.length);
    else if (status === 200 || status === 201 || status === 202) headers["content-length"] = 0;
    this.#head(status, headers);
    this.end(this.request.method === "HEAD" ? undefined : payload);
  }

  /** Nothing more is sent. */
  end(last?: string | Uint8Array): void {
    this.#ended = true;
    this.response.end(last);
  }

  /** The connection, or the stream, is closed. That is how a caller gives up, too. */
  closed(): void {
    if (this.#ended || this.gone) return;
    this.gone = true;
    if (!this.running) this.over();
    // A notification has no caller who waits for it.
    else if (this.endpoint!.operation.kind !== "notification") this.incoming!.cancel("caller");
    this.whenClosed?.();
  }

  /** What items under way have to do when it is closed. */
  whenClosed: (() => void) | undefined = undefined;

  /** The time to shut down is over. */
  cut(): void {
    this.incoming?.cancel("shutdown");
    if (!this.#ended) this.cutShort();
  }

  /**
   * Ends the answer after what was written, so that nobody takes it for complete: over HTTP/1.1 the last chunk is missing,
   * over HTTP/2 an error stands in its place.
   */
  cutShort(): void {
    const { request, response } = this;
    // What was written in this turn leaves first. `close` of HTTP/2 would end the stream in order, and reset it after that.
    this.home.env.defer(() => {
      if (request.httpVersionMajor >= 2) response.stream?.destroy(new Error("cut short"));
      else request.socket.destroySoon();
    });
  }

  /** Its handler has settled, or never began. */
  over(): void {
    this.running = false;
    this.home.ended(this);
  }
}

/** When to come again: who may, and was not told when, after a second. */
function pushbackHeaders({ retryAfterMs }: TrunklineError, status: number): OutgoingHttpHeaders {
  const exact = pushbackText(retryAfterMs, "never");
  if (exact === undefined)
    return status === 429 || status === 503 ? { "retry-after": retryAfterS } : {};
  const whole =
    retryAfterMs === "never" ? {} : { "retry-after": String(Math.ceil(retryAfterMs! / 1_000)) };
  return { ...whole, [retryAfterMsHeader]: exact };
}

/** An answer that cannot be sent is no reason to come again, as 429 would say. */
export function statusFor(error: TrunklineError, errors: Readonly<Record<string, number>>): number {
  const { code, declared, executed } = error;
  if (!declared && code === "RESOURCE_EXHAUSTED" && executed === "yes") return 500;
  return statusOfFailure(error, errors);
}

/** `If-None-Match` compares weakly (RFC 9110, 13.1.2). */
function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header === tag || header === "*") return true;
  return header
    .split(",", tagsMax)
    .some((each) => each.trim().replace(/^W\//, "") === tag.slice(2));
}

/** So many tags of one request are looked at. */
const tagsMax = 64;
