import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import type { Address } from "../../transport/address.ts";
import { remotePeer } from "../../transport/tcp/remote-peer.ts";
import type { Mount } from "../protocol-factory.ts";
import type { Dispatcher, ServeOptions, Server } from "../protocol.ts";
import { leftOut } from "./binding/left-out.ts";
import { capabilities } from "./capabilities.ts";
import { Draining } from "./draining.ts";
import { fastifyPlugin, honoMiddleware, type FastifyPlugin, type HonoMiddleware } from "./hosts.ts";
import type { RestServeOptions } from "./options.ts";
import type { RestRequest, RestResponse } from "./serving/messages.ts";
import { RestResponder } from "./serving/responder.ts";

/** Answers a request of `node:http` or `node:http2`; `next` takes what it does not know. */
export type RestHandler = (request: RestRequest, response: RestResponse, next?: () => void) => void;

/** A place in somebody else's server. What listens there, and for how long, is that server's concern. */
export interface RestMount extends Mount {
  /**
   * For a server of `node:http` or `node:http2`, and as middleware for Express, Connect and Nest: `app.use(mount.handler)`.
   * What it does not know goes on to `next`; without that it answers 404. Before its chassis has started it answers 503.
   */
  readonly handler: RestHandler;
  /** For Fastify: `app.register(mount.fastify, { prefix: "/api" })`. */
  readonly fastify: FastifyPlugin;
  /** For Hono on `@hono/node-server`: `app.use(mount.hono)`. */
  readonly hono: HonoMiddleware;
}

export interface RestMountOptions extends RestServeOptions {
  /**
   * What stands before our paths in that server: `/api`. Not where the server takes it away itself, as Express and Fastify
   * do for what they are told to mount there. Default nothing.
   */
  readonly prefix?: string;
}

const place: Address = {
  text: "rest in another server",
  protocol: "rest",
  transport: "mount",
  place: "",
};

/** Serves inside of a server that is there already: `chassis({ mounts: [mount] })`. */
export function restMount(options: RestMountOptions = {}): RestMount {
  const { prefix = "" } = options;
  const mounted = new Mounted(options);
  return {
    address: place,
    protocol: {
      name: "rest",
      capabilities,
      leavesOut: (operation) => leftOut(options, operation),
      connect: () => {
        throw unsupported("a mount is not called: call the server that it is in");
      },
      serve: async (_address, dispatcher, serve, env) => mounted.serve(dispatcher, serve, env),
    },
    handler: (request, response, next) => mounted.handle(request, response, prefix, next),
    fastify: fastifyPlugin((request, response, at, next) =>
      mounted.handle(request, response, at === "" ? prefix : at, next),
    ),
    hono: honoMiddleware((request, response, next) =>
      mounted.handle(request, response, prefix, next),
    ),
  };
}

/** What a mount is before and after its chassis has started. */
class Mounted {
  readonly #options: RestMountOptions;
  #responder: RestResponder | undefined;

  constructor(options: RestMountOptions) {
    this.#options = options;
  }

  serve(dispatcher: Dispatcher, serve: ServeOptions, env: Env): Server {
    if (this.#responder !== undefined)
      throw unsupported("a mount is served by one chassis; make another one");
    let leaving = false;
    const responder = new RestResponder(dispatcher, this.#options, serve, env, () => leaving);
    this.#responder = responder;
    const draining = new Draining(responder, env);
    return {
      address: place,
      get inFlight() {
        return responder.inFlight;
      },
      connections: 0,
      deserted: new Promise(() => {}),
      drain: (withinMs) => {
        leaving = true;
        return draining.run(withinMs);
      },
    };
  }

  handle(
    request: RestRequest,
    response: RestResponse,
    prefix: string,
    next: (() => void) | undefined,
  ): void {
    const { url = "", baseUrl = "" } = request;
    if (next !== undefined && !isBelow(url, prefix)) return next();
    if (this.#responder === undefined) {
      response.writeHead(503, { "retry-after": "1", "trunkline-executed": "no" });
      response.end();
      return;
    }
    const stripped = isBelow(url, prefix) ? prefix : "";
    this.#responder.request(request, response, peerOf(request), {
      stripped,
      shown: baseUrl + stripped,
      next,
    });
  }
}

function isBelow(url: string, prefix: string): boolean {
  return prefix === "" || url.startsWith(`${prefix}/`);
}

function peerOf({ socket }: RestRequest): Peer {
  return remotePeer("tcp", socket) ?? { address: place.text, sameHost: false };
}

function unsupported(reason: string): Error {
  return systemError("UNIMPLEMENTED", reason, { executed: "no" });
}
