import type { IncomingMessage, ServerResponse } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Address } from "../../transport/address.ts";
import type { Sockets } from "../../transport/transport.ts";
import type {
  HttpConnection,
  HttpHandlers,
  HttpRequest,
  HttpResponse,
  HttpServer,
} from "../http/http-server.ts";
import { serveHttp } from "../http/serve-http.ts";
import type { Incoming } from "../incoming.ts";
import type { Dispatcher, ServeOptions, Server } from "../protocol.ts";
import { Connection, type Home } from "./answering/connection.ts";
import { Responder } from "./answering/responder.ts";
import { serverBounds } from "./bounds.ts";
import { Catalogue } from "./catalogue.ts";
import type { Contracts } from "./contracts.ts";
import type { GrpcOptions } from "./options.ts";

/** Serves gRPC, gRPC-Web and Connect at one address, each to those who speak it. */
export class GrpcServer implements Server, HttpHandlers, Home {
  /** Its transports take any number of connections. */
  readonly deserted: Promise<void> = new Promise(() => {});
  readonly env: Env;
  readonly bootId: string;
  readonly inFlightMax: number;
  readonly itemBytesMax: number;
  readonly #responder: Responder;
  readonly #connections = new WeakMap<HttpConnection, Connection>();
  /** Whose handlers have not settled; also those of connections that are gone. */
  readonly #underWay = new Set<Incoming>();
  #http!: HttpServer;
  #settled: (() => void) | undefined;
  #cut = 0;

  static async listen(
    address: Address,
    sockets: Sockets,
    dispatcher: Dispatcher,
    contracts: Contracts,
    options: GrpcOptions,
    serve: ServeOptions,
    env: Env,
  ): Promise<GrpcServer> {
    const server = new GrpcServer(dispatcher, contracts, options, serve, env);
    const { inFlightMax, itemBytesMax } = server;
    const http = serverBounds(serve, inFlightMax, itemBytesMax);
    server.#http = await serveHttp(address, sockets, server, http, env);
    return server;
  }

  private constructor(
    dispatcher: Dispatcher,
    contracts: Contracts,
    { compression, cors }: GrpcOptions,
    { bootId, inFlightMax = 4_096, itemBytesMax = 4 * 1024 * 1024 }: ServeOptions,
    env: Env,
  ) {
    this.env = env;
    this.bootId = bootId ?? uuidv7(env);
    this.inFlightMax = inFlightMax;
    this.itemBytesMax = itemBytesMax;
    const methods = new Catalogue(dispatcher, contracts);
    this.#responder = new Responder({ methods, compression, cors });
  }

  get address(): Address {
    return this.#http.address;
  }

  get inFlight(): number {
    return this.#underWay.size;
  }

  get connections(): number {
    return this.#http.connections;
  }

  get draining(): boolean {
    return this.#http.draining;
  }

  // ---- HttpHandlers -------------------------------------------------------------------------------------------------

  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, http: HttpConnection): void {
    this.#responder.stream(stream, headers, this.#connectionOf(http));
  }

  request(request: HttpRequest, response: HttpResponse, http: HttpConnection): void {
    // HTTP/2 comes to `stream`.
    this.#responder.request(
      request as IncomingMessage,
      response as ServerResponse,
      this.#connectionOf(http),
    );
  }

  #connectionOf(http: HttpConnection): Connection {
    let connection = this.#connections.get(http);
    if (connection === undefined)
      this.#connections.set(http, (connection = new Connection(http, this)));
    return connection;
  }

  // ---- Home ---------------------------------------------------------------------------------------------------------

  began(incoming: Incoming): void {
    this.#underWay.add(incoming);
  }

  settled(incoming: Incoming): void {
    this.#underWay.delete(incoming);
    if (this.#underWay.size === 0) this.#settled?.();
  }

  // ---- closing ------------------------------------------------------------------------------------------------------

  async drain(withinMs: number): Promise<number> {
    const until = this.env.now() + withinMs;
    await this.#http.drain(withinMs, () => this.#cutAll());
    // Notifications have no connection that waits for them.
    if (this.#underWay.size > 0 && this.env.now() < until) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#settled = resolve;
      const late = alarmAt(this.env, until, resolve);
      await promise;
      this.env.clear(late);
    }
    this.#cutAll();
    return this.#cut;
  }

  #cutAll(): void {
    this.#cut += this.#underWay.size;
    for (const incoming of this.#underWay) incoming.cancel("shutdown");
    // A handler that heeds nothing must not keep us.
    this.#underWay.clear();
  }
}
