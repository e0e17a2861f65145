import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Readable, Writable } from "node:stream";

import { alarmAt } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";

/**
 * How long a caller may go on sending that has its answer, in milliseconds. Libraries that are cut off at once do not always
 * tell the answer that came before.
 */
const stillSendingMs = 1_000;

/** One request and its answer, of either version of HTTP. */
export interface HttpChannel {
  readonly body: Readable;
  readonly out: Writable;
  readonly headSent: boolean;
  /** Nobody can be told anything any more. */
  readonly gone: boolean;
  readonly version: "1.1" | "2";
  /** The request was given up before its end, though its body has ended. */
  readonly cutShort: boolean;
  head(status: number, headers: OutgoingHttpHeaders): void;
  /** The answer has ended: what still comes of the request is dropped, and after a while nothing more may come. */
  hangUp(env: Env): void;
  /** Tells when nothing can be said any more, whatever the reason. */
  whenGone(listener: { gone(reason: "caller" | "peer"): void }): void;
}

export class Http2Channel implements HttpChannel {
  readonly version = "2";
  readonly body: Readable;
  readonly out: Writable;
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.body = stream;
    this.out = stream;
    this.#stream = stream;
  }

  get headSent(): boolean {
    return this.#stream.headersSent;
  }

  get gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed || this.#stream.writableEnded;
  }

  /**
   * Node tells of a reset as of an end, and only after the listeners of `end` that it was none. What its own client says with
   * `close` cannot be told apart: it sends an end before the reset.
   */
  get cutShort(): boolean {
    return this.#stream.aborted || this.#stream.destroyed;
  }

  head(status: number, headers: OutgoingHttpHeaders): void {
    this.#stream.respond({ ":status": status, ...headers });
  }

  hangUp(env: Env): void {
    const stream = this.#stream;
    const late = alarmAt(env, env.now() + stillSendingMs, () =>
      stream.close(constants.NGHTTP2_NO_ERROR),
    );
    stream.once("close", () => env.clear(late));
  }

  whenGone(listener: { gone(reason: "caller" | "peer"): void }): void {
    const stream = this.#stream;
    const { session } = stream; // it has none any more when it is closed
    stream.on("close", () => {
      const lost = session === undefined || session.destroyed || session.socket.destroyed;
      listener.gone(lost ? "peer" : "caller");
    });
  }
}

export class Http1Channel implements HttpChannel {
  readonly version = "1.1";
  readonly body: Readable;
  readonly out: Writable;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.body = request;
    this.out = response;
    this.#response = response;
  }

  get headSent(): boolean {
    return this.#response.headersSent;
  }

  get gone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  get cutShort(): boolean {
    return !this.#request.complete;
  }

  head(status: number, headers: OutgoingHttpHeaders): void {
    this.#response.writeHead(status, headers);
  }

  hangUp(): void {} // what still comes is read and dropped

  whenGone(listener: { gone(reason: "caller" | "peer"): void }): void {
    this.#response.on("close", () => listener.gone("peer"));
  }
}
