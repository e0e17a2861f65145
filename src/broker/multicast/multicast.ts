import type { Env } from "../../base/env.ts";
import { parseAddress } from "../../transport/address.ts";
import { multicast as transport, type MulticastOptions } from "../../transport/multicast/index.ts";
import type { Broker, BrokerCapabilities, BrokerFactory, OpenOptions } from "../broker.ts";
import { MulticastBroker } from "./multicast-broker.ts";

/** As of the transport: the largest datagram, room to receive, and whether it may leave the host. */
export type MulticastBrokerOptions = MulticastOptions;

const waitMsDefault = 10_000;

/** Messages that wait to be sent. */
const waitingMax = 10_000;

const promises: Omit<BrokerCapabilities, "bytesMax"> = {
  order: "none",
  guarantees: ["at-most-once"],
  receipts: ["accepted"],
  persistent: false,
  attempts: "redelivered",
  delay: false,
  priority: false,
  ttl: true,
  keeps: false,
  queues: false,
  groups: false,
  replay: false,
  filters: [],
  transactions: false,
  mandatory: false,
  replies: "none",
  browse: false,
  lag: false,
  compaction: false,
};

/**
 * Events to everybody who is there, by datagrams to a multicast group and without a process in the middle: `udp+multicast://239.1.2.3:7000`. Each
 * process that consumes a channel hears each of its events, at most once, the publisher's own too; which of them have not come nobody is told but
 * by `trunkline:broker` (`missed`). Who comes later has missed what was before. There are no groups, so events are consumed with `group: false`, and a
 * receipt, `accepted`, says no more than that this system has taken the datagram to send it. An event must fit into one: 1,472 bytes with all that is
 * told of it, unless `datagramBytesMax` says otherwise.
 *
 * Unless the address says more, nothing leaves the host: `?interface=127.0.0.1&ttl=0`. Every process of every user there can listen, and send in
 * anybody's name; beyond the host, which needs `insecure: true`, so can everybody.
 *
 * `open` rejects with INVALID_ARGUMENT for an address that is no group. `declare` refuses with UNIMPLEMENTED what asks for more.
 */
export function multicast(options: MulticastBrokerOptions = {}): BrokerFactory {
  const { capabilities, datagrams } = transport(options);
  const own = { ...promises, bytesMax: capabilities.frameBytesMax };
  const open = async (text: string, terms: OpenOptions, env: Env): Promise<Broker> => {
    const address = parseAddress(text);
    const sender = await datagrams!.sender(address, { waitingMax }, env);
    const { waitMs = waitMsDefault } = terms;
    return new MulticastBroker({
      ...{ address, sender, waitMs, env },
      datagrams: datagrams!,
      capabilities: own,
    });
  };
  return { name: "udp+multicast", schemes: ["udp+multicast"], capabilities: own, open };
}
