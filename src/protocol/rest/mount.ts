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
import type { RestServeOptions } from "./options.ts";
import type { RestRequest, RestResponse } from "./serving/messages.ts";
import { RestResponder } from "./serving/responder.ts";

/** A place in somebody else's server. What listens there, and for how long, is that server's concern. */
export interface RestMount extends Mount {
  /**
   * Answers a request of `node:http` or `node:http2`; as middleware of Express, Connect or Nest it hands on, by `next`, what
   * it does not know. Until the chassis has started it answers 503.
   */
  readonly handler: (request: RestRequest, response: RestResponse, next?: () => void) => void;
}

const place: Address = {
  text: "rest in another server",
  protocol: "rest",
  transport: "mount",
  place: "",
};

/** Serves inside of a server that is there already: `chassis({ mounts: [mount] })`. */
export function restMount(options: RestServeOptions = {}): RestMount {
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
    handler: (request, response, next) => mounted.handle(request, response, next),
  };
}

/** What a mount is before and after its chassis has started. */
class Mounted {
  readonly #options: RestServeOptions;
  #responder: RestResponder | undefined;

  constructor(options: RestServeOptions) {
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

  handle(request: RestRequest, response: RestResponse, next: (() => void) | undefined): void {
    if (this.#responder === undefined) {
      response.writeHead(503, { "retry-after": "1", "trunkline-executed": "no" });
      response.end();
      return;
    }
    this.#responder.request(request, response, peerOf(request), next);
  }
}

function peerOf({ socket }: RestRequest): Peer {
  return remotePeer("tcp", socket) ?? { address: place.text, sameHost: false };
}

function unsupported(reason: string): Error {
  return systemError("UNIMPLEMENTED", reason, { executed: "no" });
}
