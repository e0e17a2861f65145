import { systemError } from "../../base/error.ts";
import type { Transport } from "../../transport/transport.ts";
import type { ProtocolFactory } from "../protocol-factory.ts";
import type { Protocol, ProtocolCapabilities } from "../protocol.ts";
import { HttpCaller } from "./asking/caller.ts";
import { CalledMethods } from "./asking/method.ts";
import { Contracts } from "./contracts.ts";
import type { GrpcOptions } from "./options.ts";
import { GrpcServer } from "./server.ts";

const capabilities: ProtocolCapabilities = {
  kinds: ["call", "stream", "upload", "duplex", "notification"],
  deadline: true,
  cancel: true,
  credit: true,
  ahead: "bytes",
  shared: true,
  whole: true,
  bounds: false,
  described: false,
  executed: true,
  headers: true,
  callback: false,
};

/**
 * gRPC over HTTP/2. What serves it serves gRPC-Web and Connect at the same address, over HTTP/1.1 too. Needed only to say
 * what differs from the convention; an address that begins with `grpc:` or `grpcs:` finds it by itself.
 */
export function grpc(options: GrpcOptions = {}): ProtocolFactory {
  return factory("grpc", options);
}

/** Serves the same as `grpc`; what it calls, it calls by the Connect protocol. */
export function connect(options: GrpcOptions = {}): ProtocolFactory {
  return factory("connect", options);
}

function factory(name: "grpc" | "connect", options: GrpcOptions): ProtocolFactory {
  const contracts = new Contracts(options.bindings ?? [], options.lock);
  return { name, over: (transport) => over(transport, name, contracts, options) };
}

function over(
  { name: transport, sockets }: Transport,
  name: "grpc" | "connect",
  contracts: Contracts,
  options: GrpcOptions,
): Protocol {
  if (sockets === undefined) throw unsupported(`HTTP has no way over ${transport}:`);
  const methods = new CalledMethods(contracts);
  const { compression } = options;
  return {
    name,
    capabilities,
    connect: (address, connectOptions, env) => {
      const terms = { protocol: name, address, sockets, methods, compression };
      return new HttpCaller(terms, connectOptions, env);
    },
    serve: (address, dispatcher, serve, env) =>
      GrpcServer.listen(address, sockets, dispatcher, contracts, options, serve, env),
  };
}

function unsupported(reason: string): Error {
  return systemError("UNIMPLEMENTED", reason, { executed: "no" });
}
