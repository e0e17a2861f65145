import { systemError } from "../../base/error.ts";
import type { RestRequest, RestResponse } from "./serving/messages.ts";

/** What is used of Fastify: its types would make everybody need it. */
export interface FastifyScope {
  readonly prefix: string;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: "*",
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  all(
    path: string,
    handler: (
      request: { readonly raw: RestRequest },
      reply: { readonly raw: RestResponse; hijack(): unknown; callNotFound(): unknown },
    ) => unknown,
  ): unknown;
}

export type FastifyPlugin = (scope: FastifyScope, options: unknown, done: () => void) => void;

/**
 * Takes every path below the plugin's prefix that no other route of Fastify has. Bodies are left to us: Fastify's own
 * parsers are taken out, in this scope alone.
 */
export function fastifyPlugin(
  handle: (request: RestRequest, response: RestResponse, prefix: string, next: () => void) => void,
): FastifyPlugin {
  return (scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
    scope.all("/*", (request, reply) => {
      let ours = true;
      handle(request.raw, reply.raw, scope.prefix, () => (ours = false));
      if (ours) reply.hijack();
      else reply.callNotFound();
    });
    done();
  };
}

/** What is used of Hono's context, on `@hono/node-server`. */
export interface HonoContext {
  /** `incoming` and `outgoing` of Node. */
  readonly env: unknown;
}

export type HonoMiddleware = (
  context: HonoContext,
  next: () => Promise<void>,
) => Promise<Response | void>;

/** Answers over the request and response of Node that lie below; what it does not know goes on to the next handler. */
export function honoMiddleware(
  handle: (request: RestRequest, response: RestResponse, next: () => void) => void,
): HonoMiddleware {
  return async ({ env }, next) => {
    const { incoming, outgoing } = (env ?? {}) as {
      readonly incoming?: RestRequest;
      readonly outgoing?: RestResponse;
    };
    if (incoming === undefined || outgoing === undefined)
      throw systemError("UNIMPLEMENTED", "this Hono does not run on @hono/node-server", {
        executed: "no",
      });
    let ours = true;
    handle(incoming, outgoing, () => (ours = false));
    if (!ours) return next();
    // So @hono/node-server knows that there is nothing more to send. Of the global it has made a class of its own, which does
    // not look at these headers; a clone is always Node's.
    return new Response(null, { headers: { "x-hono-already-sent": "true" } }).clone();
  };
}
