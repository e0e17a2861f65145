import type { Protocol, ProtocolCapabilities } from "../protocol.ts";
import type { Transport } from "../../transport/transport.ts";
import { RsocketCaller } from "./caller.ts";
import { RsocketServer } from "./server.ts";

const capabilities: ProtocolCapabilities = {
  kinds: ["call", "stream", "upload", "duplex", "notification"],
  deadline: true,
  cancel: true,
  credit: true,
  ahead: "items",
  shared: true,
  whole: true,
  bounds: true,
  described: true,
  executed: true,
  headers: true,
  callback: true,
};

/** RSocket 1.0 over any transport: what Trunkline processes speak between themselves. docs/protocol.md has the bytes. */
export function rsocket(transport: Transport): Protocol {
  return {
    name: "rsocket",
    capabilities,
    connect: (address, options, env) => new RsocketCaller(transport, address, options, env),
    serve: (address, dispatcher, options, env) =>
      RsocketServer.listen(transport, address, dispatcher, options, env),
  };
}
