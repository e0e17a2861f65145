import type { ProtocolFactory } from "../protocol-factory.ts";
import type { Protocol, ProtocolCapabilities } from "../protocol.ts";
import { DatagramCaller } from "../datagram/caller.ts";
import { datagramCapabilities, needsDatagrams } from "../datagram/datagram.ts";
import { DatagramServer } from "../datagram/server.ts";
import { numbers } from "./number.ts";

export interface SignalProtocolOptions {
  /** Operations that are not to be had there, by their full names: `["orders.place"]`. An address with `?operation=` leaves out all others. */
  readonly except?: readonly string[];
}

/** A signal has room for a number, and for nothing that is to be told of it. */
const capabilities: ProtocolCapabilities = {
  ...datagramCapabilities,
  deadline: false,
  described: false,
  headers: false,
  ordered: false,
};

/**
 * One notification for each signal: what carries nothing by SIGHUP, SIGUSR1 or SIGUSR2, what carries a whole number of 32 bits by a
 * real-time signal. Which notification that is says the address, `signal:self?operation=control.reload&signal=SIGUSR2`, unless
 * there is only one. At most once, and several may become one; neither deadline nor trace nor headers come along.
 */
export function signal(options: SignalProtocolOptions = {}): ProtocolFactory {
  const except = new Set(options.except);
  return {
    name: "signal",
    over: (transport) => {
      needsDatagrams("signal", transport);
      const { datagrams } = transport;
      return {
        name: "signal",
        capabilities,
        leavesOut: ({ name }, { parameters }) =>
          except.has(name) || ![name, undefined].includes(parameters?.["operation"]),
        connect: (address, connect, env) =>
          new DatagramCaller(datagrams!, address, numbers, connect, env),
        serve: (address, dispatcher, serve, env) =>
          DatagramServer.listen(transport, address, numbers, dispatcher, serve, env),
      } satisfies Protocol;
    },
  };
}
