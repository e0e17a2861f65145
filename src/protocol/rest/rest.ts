import { systemError } from "../../base/error.ts";
import type { Transport } from "../../transport/transport.ts";
import type { ProtocolFactory } from "../protocol-factory.ts";
import type { Protocol } from "../protocol.ts";
import { RestCaller } from "./asking/caller.ts";
import { leftOut } from "./binding/left-out.ts";
import { capabilities } from "./capabilities.ts";
import type { RestServeOptions } from "./options.ts";
import { RestServer } from "./server.ts";

/**
 * REST over HTTP/1.1 and HTTP/2: the resources of contracts, for everybody who speaks HTTP. Needed only to say what differs
 * from the convention; an address that begins with `http:` or `https:` finds it by itself.
 */
export function rest(options: RestServeOptions = {}): ProtocolFactory {
  return { name: "rest", over: (transport) => over(transport, options) };
}

function over({ name, sockets }: Transport, options: RestServeOptions): Protocol {
  if (sockets === undefined) throw unsupported(`HTTP has no way over ${name}:`);
  return {
    name: "rest",
    capabilities,
    leavesOut: (operation) => leftOut(options, operation),
    connect: (address, connect, env) => new RestCaller(sockets, address, connect, options, env),
    serve: (address, dispatcher, serve, env) =>
      RestServer.listen(address, sockets, dispatcher, options, serve, env),
  };
}

function unsupported(reason: string): Error {
  return systemError("UNIMPLEMENTED", reason, { executed: "no" });
}
