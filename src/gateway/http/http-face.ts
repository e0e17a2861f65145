import { systemError } from "../../base/error.ts";
import type { HttpServer } from "../../protocol/http/http-server.ts";
import { serveHttp } from "../../protocol/http/serve-http.ts";
import type { ProtocolFactory } from "../../protocol/protocol-factory.ts";
import type { Server } from "../../protocol/protocol.ts";
import { capabilities } from "../../protocol/rest/capabilities.ts";
import { Draining } from "../../protocol/rest/draining.ts";
import type { RestServeOptions } from "../../protocol/rest/options.ts";
import { leftOut } from "../../protocol/rest/binding/left-out.ts";
import { RestResponder } from "../../protocol/rest/serving/responder.ts";
import type { Plan } from "../plan.ts";
import { HttpFront, type AnswerByContracts } from "./http-front.ts";

/** What the gateway listens with on `http:` and `https:`: routes of paths first, and what none of them takes by REST. */
export function httpFace(
  plan: () => Plan,
  options: RestServeOptions,
  requestMs: number | undefined,
): ProtocolFactory {
  return {
    name: "rest",
    over: ({ name, sockets }) => {
      if (sockets === undefined)
        throw systemError("UNIMPLEMENTED", `HTTP has no way over ${name}:`, { executed: "no" });
      return {
        name: "rest",
        capabilities,
        leavesOut: (operation) => operation.kind === "duplex" || leftOut(options, operation),
        connect: () => {
          throw systemError("UNIMPLEMENTED", "a gateway's face is not called", { executed: "no" });
        },
        async serve(address, dispatcher, serve, env) {
          const running: { http?: HttpServer } = {};
          const leaving = (): boolean => running.http?.draining === true;
          const responder = new RestResponder(dispatcher, options, serve, env, leaving);
          const byContracts: AnswerByContracts = (request, response, peer, prefix) => {
            const { url = "" } = request;
            const stripped = prefix !== "" && url.startsWith(`${prefix}/`) ? prefix : "";
            const point = { stripped, shown: stripped, next: undefined };
            responder.request(request, response, peer, stripped === "" ? undefined : point);
          };
          const front = new HttpFront(plan, byContracts, env);
          const { connectionsMax, setupMs } = serve;
          const http = await serveHttp(
            address,
            sockets,
            {
              continues: true,
              request: (request, response, { peer }) => front.request(request, response, peer),
            },
            {
              ...(connectionsMax === undefined ? {} : { connectionsMax }),
              ...(setupMs === undefined ? {} : { headersMs: setupMs }),
              ...(requestMs === undefined ? {} : { requestMs }),
            },
            env,
          );
          running.http = http;
          return faceOf(http, new Draining(responder, env));
        },
      };
    },
  };
}

function faceOf(http: HttpServer, draining: Draining): Server {
  return {
    address: http.address,
    get inFlight() {
      return http.inFlight;
    },
    get connections() {
      return http.connections;
    },
    deserted: new Promise(() => {}),
    async drain(withinMs) {
      const [cut, left] = await Promise.all([draining.run(withinMs), http.drain(withinMs)]);
      return Math.max(cut, left);
    },
  };
}
