import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

import { headerFieldsMax, type HttpBounds } from "./http-bounds.ts";
import type { HttpHandlers } from "./http-server.ts";
import type { Link, Side } from "./link.ts";

/** How exact Node is about requests that take too long, as a part of the bound. */
const exactness = 4;

/** The connections of HTTP/1.1: Node's own server, which listens nowhere. */
export class Http1Side implements Side {
  readonly #server: Server;
  readonly #links = new Map<Socket, Link>();
  readonly #responses = new Set<ServerResponse>();
  readonly #handlers: HttpHandlers;
  #draining = false;

  constructor(handlers: HttpHandlers, bounds: HttpBounds) {
    this.#handlers = handlers;
    const { headersMs, requestMs, idleMs, headerBytesMax } = bounds;
    this.#server = createServer({
      requestTimeout: Number.isFinite(requestMs) ? Math.max(requestMs, headersMs) : 0,
      headersTimeout: headersMs,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: Math.ceil(headersMs / exactness),
      maxHeaderSize: headerBytesMax,
    });
    this.#server.maxHeadersCount = headerFieldsMax;
    this.#server.on("request", (request, response) => this.#begin(request, response));
    if (handlers.continues === true)
      this.#server.on("checkContinue", (request, response) => this.#begin(request, response));
    // Only then does Node look for requests that take too long.
    this.#server.emit("listening");
  }

  take(link: Link): void {
    const { socket } = link;
    this.#links.set(socket, link);
    socket.on("close", () => this.#links.delete(socket));
    this.#server.emit("connection", socket);
    socket.resume();
  }

  drain(): void {
    this.#draining = true;
    // Those whose headers have gone already are closed when they end.
    for (const response of this.#responses) response.shouldKeepAlive = false;
  }

  closeIdle(): void {
    for (const link of this.#links.values()) this.#closeIdle(link);
  }

  close(): void {
    this.#server.close();
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const link = this.#links.get(request.socket);
    if (link === undefined) return; // it has closed, and what it had sent was read after that
    const end = link.begin();
    if (this.#draining) response.shouldKeepAlive = false;
    this.#responses.add(response);
    request.on("error", () => {});
    response.on("error", () => {});
    response.on("close", () => {
      this.#responses.delete(response);
      end();
      if (this.#draining) this.#closeIdle(link);
    });
    this.#handlers.request(request, response, link);
  }

  /** Not when a request has begun to come: it gets an answer, and that ends the connection. */
  #closeIdle({ inFlight, socket, readBefore }: Link): void {
    if (inFlight === 0 && socket.bytesRead === readBefore) socket.destroySoon();
  }
}
