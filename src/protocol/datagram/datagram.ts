import { systemError } from "../../base/error.ts";
import type { Transport } from "../../transport/transport.ts";
import type { ProtocolFactory } from "../protocol-factory.ts";
import type { Protocol, ProtocolCapabilities } from "../protocol.ts";
import { DatagramCaller } from "./caller.ts";
import { frames } from "./frame.ts";
import { DatagramServer } from "./server.ts";

export interface DatagramProtocolOptions {
  /** Operations that are not to be had there, by their full names, because others than notifications cannot be: `["orders.place"]`. */
  readonly except?: readonly string[];
}

/** What a datagram can carry of the promises of a protocol: a notification, with all that is known of it. */
export const datagramCapabilities: ProtocolCapabilities = {
  kinds: ["notification"],
  deadline: true,
  cancel: false,
  credit: false,
  ahead: "bytes",
  shared: false,
  whole: true,
  bounds: false,
  described: true,
  executed: false,
  headers: true,
  callback: false,
};

/**
 * Notifications, one in each datagram, over transports without connections: `unixgram:`, `udp:`, `udp+multicast:`. At most once: none
 * is sent again, none is begun twice, and what the transport loses is lost; receivers count what they can see of that. What needs an
 * answer is refused with UNIMPLEMENTED, what is larger than the medium takes with RESOURCE_EXHAUSTED. Needed only to say what
 * differs; such addresses find it by themselves.
 */
export function datagram(options: DatagramProtocolOptions = {}): ProtocolFactory {
  const except = new Set(options.except);
  return {
    name: "datagram",
    over: (transport) => {
      needsDatagrams("datagram", transport);
      const { datagrams, capabilities } = transport;
      return {
        name: "datagram",
        capabilities: { ...datagramCapabilities, ordered: capabilities.ordered },
        leavesOut: ({ name }) => except.has(name),
        connect: (address, connect, env) =>
          new DatagramCaller(datagrams!, address, frames, connect, env),
        serve: (address, dispatcher, serve, env) =>
          DatagramServer.listen(transport, address, frames, dispatcher, serve, env),
      } satisfies Protocol;
    },
  };
}

/** Throws UNIMPLEMENTED where a transport has connections, and nothing else. */
export function needsDatagrams(protocol: string, { name, datagrams }: Transport): void {
  if (datagrams !== undefined) return;
  throw systemError(
    "UNIMPLEMENTED",
    `${protocol} has no way over ${name}:, which has connections`,
    {
      executed: "no",
      advice: `leave out "${protocol}+"`,
    },
  );
}
