import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  ServerHttp2Stream,
} from "node:http2";

import type { Peer } from "../../base/peer.ts";
import type { Address } from "../../transport/address.ts";

// What protocols on HTTP see of `serveHttp`.

/** A request of either version, as `node:http` has it. */
export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** One connection of an HTTP server: the same object for all its requests, so that tables can be kept by it. */
export interface HttpConnection {
  readonly peer: Peer;
  readonly version: "1.1" | "2";
  /** Requests that have come and whose answer has not been sent yet. */
  readonly inFlight: number;
}

/**
 * Who answers. Either is called with the headers of a request, before its body, and must not throw. That the peer has gone is told
 * by `close` of what was given; errors of it are dropped when nobody listens to them.
 */
export interface HttpHandlers {
  /** A request of HTTP/1.1, and of HTTP/2 where there is no `stream`. */
  request(request: HttpRequest, response: HttpResponse, connection: HttpConnection): void;
  /**
   * True: who sends `Expect: 100-continue` is told by the handler, with `writeContinue`, that its body may come. Default: at
   * once.
   */
  readonly continues?: boolean;
  /** A request of HTTP/2 in its own form, which costs less and has trailers. */
  stream?(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    connection: HttpConnection,
  ): void;
}

export interface HttpServerOptions {
  /**
   * Open connections past which new ones are told to come again later (503 with `Retry-After`, or GOAWAY), until a twentieth of them
   * has gone; past twice as many they are closed at once. Default 10,000.
   */
  readonly connectionsMax?: number;
  /**
   * How long the headers of a request may take, in milliseconds, and how long a peer may be silent at first. A slower one
   * gets 408 or is cut off. Default 5,000.
   */
  readonly headersMs?: number;
  /**
   * How long a request may take until its body has come, in milliseconds; then it gets 408, or its stream is reset. Infinity
   * where callers send streams. Default 300,000.
   */
  readonly requestMs?: number;
  /** How long a connection without requests stays open, in milliseconds. Default 75,000: longer than load balancers wait. */
  readonly idleMs?: number;
  /** All headers of a request in bytes, past which it is refused with 431. Default 16 KiB. */
  readonly headerBytesMax?: number;
  /** Requests under way on a connection of HTTP/2; the peer is told and holds further ones back. Default 1,000. */
  readonly streamsMax?: number;
  /** Bytes of a request of HTTP/2 that may come before the handler reads them. Default 256 KiB. */
  readonly streamWindowBytes?: number;
  /**
   * Streams that a peer may reset at once, and again each second, past which its connection is closed: who resets what it
   * asks for makes work for nothing (CVE-2023-44487). Cancelled calls count. Default 2,000 and 500.
   */
  readonly resetsBurst?: number;
  readonly resetsPerSecond?: number;
  /**
   * How often a peer of HTTP/2 may ask for a sign of life while nothing else is sent to it, in milliseconds. One that keeps
   * asking more often gets GOAWAY with ENHANCE_YOUR_CALM. Default 1,000.
   */
  readonly pingMsMin?: number;
  /** Settings beyond those of HTTP/2 that every peer is told, by their numbers. Default none. */
  readonly settings?: Readonly<Record<number, number>>;
  /** A peer of HTTP/2 that was silent this long while requests are under way is asked for a sign of life. Default 10,000. */
  readonly keepaliveMs?: number;
  /** One that has not answered after this long is dead, in milliseconds. Default 20,000. */
  readonly lifetimeMs?: number;
}

export interface HttpServer {
  /** Where it listens in truth. */
  readonly address: Address;
  readonly connections: number;
  /** Requests that have come and whose answer has not been sent yet, on all connections. */
  readonly inFlight: number;
  /** True once nobody can come any more. Requests that come in spite of it are for the handlers to refuse (503, `executed: "no"`). */
  readonly draining: boolean;
  /**
   * Stops accepting and tells every peer: answers of HTTP/1.1 say `Connection: close` and idle connections are closed,
   * HTTP/2 gets GOAWAY. Resolves when all requests have ended, with 0, or when `withinMs` is over, with how many were under
   * way then: `cut` is called, to give up the work, and then their connections are destroyed.
   */
  drain(withinMs: number, cut?: () => void): Promise<number>;
}
