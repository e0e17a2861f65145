import type { OutgoingHttpHeaders } from "node:http";

import type { Env } from "../../../base/env.ts";
import { isTrunklineError, systemError, type SystemError } from "../../../base/error.ts";
import type { Peer } from "../../../base/peer.ts";
import { parseTraceparent } from "../../../base/trace.ts";
import { Incoming } from "../../incoming.ts";
import type { Dispatcher, ServeOptions } from "../../protocol.ts";
import { bootHeader, hearStanding, laneHeader, triesHeader } from "../../standing-headers.ts";
import type { RestServeOptions } from "../options.ts";
import { deadlineIn, idempotencyKeyIn, ownHeaders, totalIn } from "./beside.ts";
import { bodyFormOf, decodeBody, discard, excessOf, parsedBody, readBody } from "./body.ts";
import { restBounds, type RestBounds } from "./bounds.ts";
import { Cors } from "./cors.ts";
import { Directory } from "./directory.ts";
import { Exchange, type ExchangeHome } from "./exchange.ts";
import { inputOf, type Said } from "./input.ts";
import {
  hasBody,
  headerIn,
  type MountPoint,
  type RestRequest,
  type RestResponse,
} from "./messages.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { serveCall, serveNotification } from "./serve-call.ts";
import { DocumentServer } from "./serve-document.ts";
import { serveStream } from "./serve-stream.ts";
import { serveUpload } from "./serve-upload.ts";
import { targetOf } from "./target.ts";

const nothing = Buffer.alloc(0);

/** What was asked for may stand elsewhere in the server that we share. */
const elsewhere: unique symbol = Symbol("elsewhere");

/** What was thrown before anything ran. That it is none of ours is our fault, and must not be the end of the process. */
function refusalOf(error: unknown): SystemError {
  if (isTrunklineError(error)) return error as SystemError;
  return systemError("INTERNAL", "the request could not be begun", {
    executed: "no",
    cause: error,
  });
}

/** An empty body is one too where it says what it is: no bytes are bytes. */
function tellsBody(request: RestRequest): boolean {
  return hasBody(request) || request.headers["content-type"] !== undefined;
}

/** Finds what requests ask for, refuses what cannot be begun, and starts the rest; whoever has accepted the connection. */
export class RestResponder implements ExchangeHome {
  readonly bounds: RestBounds;
  readonly cors: Cors | undefined;
  readonly env: Env;
  /** Called whenever a request has ended. */
  whenEnded: () => void = () => {};
  readonly #directory: Directory;
  readonly #draining: () => boolean;
  readonly #documents: DocumentServer;
  readonly #underWay = new Set<Exchange>();

  /** Throws INVALID_ARGUMENT for what cannot be served, and for bounds that could not be kept. */
  constructor(
    dispatcher: Dispatcher,
    options: RestServeOptions,
    serve: ServeOptions,
    env: Env,
    /** No new work is taken on. */
    draining: () => boolean,
  ) {
    this.bounds = restBounds(serve, options, env);
    this.cors = options.cors === undefined ? undefined : new Cors(options.cors);
    this.env = env;
    this.#draining = draining;
    this.#directory = new Directory(dispatcher, options, serve.formats ?? []);
    this.#documents = new DocumentServer(dispatcher, options, serve.formats ?? []);
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#underWay.size;
  }

  /** A request of which the headers have come. `point`: where in the server of somebody else it came. */
  request(request: RestRequest, response: RestResponse, peer: Peer, point?: MountPoint): void {
    const exchange = new Exchange(this, request, response, peer, point);
    try {
      const refused = this.#begin(exchange, point?.next !== undefined);
      if (refused === elsewhere) point!.next!();
      else if (refused !== undefined) exchange.refuse(refused);
    } catch (error) {
      exchange.refuse({ error: refusalOf(error) });
    }
  }

  #begin(exchange: Exchange, shared: boolean): Refusal | typeof elsewhere | undefined {
    const { method = "GET", headers } = exchange.request;
    const { url } = exchange;
    const target = targetOf(url);
    if (target === undefined)
      return url === "*" && method === "OPTIONS"
        ? this.#tellMethods(exchange, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
        : refusal("INVALID_ARGUMENT", "the target of the request is no path");
    const values: string[] = [];
    const found = this.#directory.find(target, headers, values);
    if ("error" in found) {
      const document = this.#documents.pathOf(target.path, shared);
      if (document !== undefined && method !== "OPTIONS")
        return (
          this.#refusedNow(exchange) ??
          this.#documents.serve(exchange, document, () => this.#incoming(exchange))
        );
      return shared ? elsewhere : found;
    }
    if (method === "OPTIONS") return this.#tellMethods(exchange, found.allow);
    exchange.endpoint = found.answering(method);
    if (exchange.endpoint === undefined) {
      if (shared) return elsewhere;
      const reason = `${method.slice(0, 20)} is not served at ${target.path.slice(0, 200)}`;
      return refusal("UNIMPLEMENTED", reason, 405, { allow: found.allow });
    }
    return this.#refusedNow(exchange) ?? this.#start(exchange, { values, query: target.query });
  }

  #tellMethods(exchange: Exchange, allow: string): undefined {
    const headers: OutgoingHttpHeaders = { allow };
    this.cors?.preflight(exchange.request.headers, allow, headers);
    exchange.send(204, headers, undefined);
  }

  #refusedNow({ request }: Exchange): Refusal | undefined {
    if (this.#draining()) {
      // By this a caller sees that it may ask another one at once; over HTTP/2 it has been sent away.
      const headers = request.httpVersionMajor < 2 ? { connection: "close" } : {};
      return refusal("UNAVAILABLE", "the server is shutting down", undefined, headers);
    }
    const { inFlightMax } = this.bounds;
    if (this.inFlight < inFlightMax) return undefined;
    const reason = `${this.inFlight} requests are under way, ${inFlightMax} are allowed`;
    return refusal("RESOURCE_EXHAUSTED", reason, undefined, undefined, { gate: "in flight" });
  }

  #start(exchange: Exchange, said: Said): Refusal | undefined {
    const { request, endpoint } = exchange;
    const { route, formats, operation } = endpoint!;
    if (route.answer !== "none") {
      exchange.written = formats.accepted(request.headers.accept);
      if (exchange.written === undefined) {
        const advice = `answered is ${formats.offered.join(", ")}`;
        const reason = `${operation.name} does not answer with what is accepted`;
        return refusal("UNIMPLEMENTED", reason, 406, undefined, { advice });
      }
    }
    const incoming = this.#incoming(exchange);
    if (incoming.deadlineAt <= incoming.receivedAt)
      return refusal("DEADLINE_EXCEEDED", "the deadline was over before it began");
    exchange.incoming = incoming;
    if (operation.kind === "upload") return serveUpload(exchange, said);
    if (route.body !== "none" && tellsBody(request)) return this.#read(exchange, said);
    // Bytes of which there are none are bytes.
    this.#run(exchange, inputOf(exchange, said, route.body === "bytes" ? nothing : undefined));
    return undefined;
  }

  #incoming({ request: { headers }, peer }: Exchange): Incoming {
    const now = this.env.now();
    const traceparent = headerIn(headers, "traceparent");
    const incoming = new Incoming(
      peer,
      deadlineIn(headers, now),
      totalIn(headers, now),
      traceparent === undefined ? undefined : parseTraceparent(traceparent),
      idempotencyKeyIn(headers),
      ownHeaders(headers, this.#directory.versionHeader),
      now,
    );
    hearStanding(
      incoming,
      headerIn(headers, laneHeader),
      headerIn(headers, triesHeader),
      headerIn(headers, bootHeader),
      this.bounds.bootId,
    );
    return incoming;
  }

  /** Reads the body first; who sends it slowly counts as under way. */
  #read(exchange: Exchange, said: Said): Refusal | undefined {
    const { request, endpoint } = exchange;
    const form = bodyFormOf(request, endpoint!.formats);
    if ("error" in form) return form;
    const { body: parsed } = request;
    if (request.readableEnded === true) {
      // Somebody in front of us has read it; what came of that is taken as it is, or read again.
      const bytes = typeof parsed === "string" ? Buffer.from(parsed) : parsed;
      const read = Buffer.isBuffer(bytes)
        ? decodeBody(form.written, bytes)
        : parsedBody(parsed, form.written);
      if ("error" in read) return read;
      this.#run(exchange, inputOf(exchange, said, read.value));
      return undefined;
    }
    const excess = excessOf(request, this.bounds.itemBytesMax);
    if (excess !== undefined) {
      discard(request);
      return excess;
    }
    this.began(exchange);
    exchange.accepted();
    readBody(request, form.coding, this.bounds.itemBytesMax, (body) => {
      if (exchange.gone) return;
      if (this.#late(exchange.incoming!)) {
        const reason = "the deadline was over before all of the request had come";
        return exchange.refuse(refusal("DEADLINE_EXCEEDED", reason));
      }
      const read = Buffer.isBuffer(body) ? decodeBody(form.written, body) : body;
      if ("error" in read) return exchange.refuse(read);
      try {
        this.#run(exchange, inputOf(exchange, said, read.value));
      } catch (error) {
        exchange.refuse({ error: refusalOf(error) });
      }
    });
    return undefined;
  }

  /** The clock is looked at only for who has a deadline. */
  #late({ deadlineAt, totalAt }: Incoming): boolean {
    const until = Math.min(deadlineAt, totalAt);
    return until !== Infinity && this.env.now() >= until;
  }

  #run(exchange: Exchange, input: unknown): void {
    this.began(exchange);
    const { kind } = exchange.endpoint!.operation;
    if (kind === "call") void serveCall(exchange, input);
    else if (kind === "stream") void serveStream(exchange, input);
    else serveNotification(exchange, input);
  }

  // ---- ExchangeHome -------------------------------------------------------------------------------------------------

  began(exchange: Exchange): void {
    if (this.#underWay.has(exchange)) return;
    this.#underWay.add(exchange);
    exchange.response.on("close", () => exchange.closed());
  }

  ended(exchange: Exchange): void {
    if (this.#underWay.delete(exchange)) this.whenEnded();
  }

  /** The time is over: whatever is under way is told, and its caller sees that the answer is cut. */
  cut(): void {
    for (const exchange of [...this.#underWay]) exchange.cut();
  }
}
