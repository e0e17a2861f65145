import type { Env } from "../../base/env.ts";
import type { Address } from "../../transport/address.ts";
import type { Sockets } from "../../transport/transport.ts";
import type { HttpServer } from "../http/http-server.ts";
import { serveHttp } from "../http/serve-http.ts";
import type { Dispatcher, ServeOptions, Server } from "../protocol.ts";
import { Draining } from "./draining.ts";
import type { RestServeOptions } from "./options.ts";
import { RestResponder } from "./serving/responder.ts";

/** Serves at an address of its own. */
export class RestServer implements Server {
  /** Never: there is always room for another connection. */
  readonly deserted: Promise<void> = new Promise(() => {});
  readonly #responder: RestResponder;
  readonly #draining: Draining;
  readonly #http: HttpServer;

  static async listen(
    address: Address,
    sockets: Sockets,
    dispatcher: Dispatcher,
    options: RestServeOptions,
    serve: ServeOptions,
    env: Env,
  ): Promise<RestServer> {
    const running: { http?: HttpServer } = {};
    const draining = (): boolean => running.http?.draining === true;
    const responder = new RestResponder(dispatcher, options, serve, env, draining);
    const { connectionsMax, setupMs } = serve;
    const http = await serveHttp(
      address,
      sockets,
      {
        continues: true,
        request: (request, response, connection) =>
          responder.request(request, response, connection.peer),
      },
      {
        ...(connectionsMax === undefined ? {} : { connectionsMax }),
        ...(setupMs === undefined ? {} : { headersMs: setupMs }),
      },
      env,
    );
    running.http = http;
    return new RestServer(responder, http, env);
  }

  private constructor(responder: RestResponder, http: HttpServer, env: Env) {
    this.#responder = responder;
    this.#http = http;
    this.#draining = new Draining(responder, env);
  }

  get address(): Address {
    return this.#http.address;
  }

  get inFlight(): number {
    return this.#responder.inFlight;
  }

  get connections(): number {
    return this.#http.connections;
  }

  async drain(withinMs: number): Promise<number> {
    const [cut] = await Promise.all([this.#draining.run(withinMs), this.#http.drain(withinMs)]);
    return cut;
  }
}
