import { isIP } from "node:net";

import { systemError, type SystemError } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { connectionless } from "../connectionless.ts";
import { hostOf, portOf } from "../host-port.ts";
import { isLoopback } from "../loopback.ts";
import { atLeastOne } from "../outgoing-bounds.ts";
import type { Transport } from "../transport.ts";
import { receiveOn } from "./receive.ts";
import { senderBy } from "./sender.ts";

export interface UdpOptions {
  /**
   * The largest datagram that is sent or received, in bytes, up to 65,507. Default 1,472 beyond loopback: what one frame of Ethernet
   * takes (1,500) less the headers of IPv4 and UDP; larger ones are cut up by the network, and lost when one piece is. On loopback 65,507.
   */
  readonly datagramBytesMax?: number;
  /** Room in the system for datagrams that have come and were not read, in bytes; it gives no more than `net.core.rmem_max`. Default: the system's, usually 212,992. */
  readonly receiveBytes?: number;
  /** Lets datagrams be sent to other hosts, where nothing is encrypted and anybody can send in anybody's name. Default false. */
  readonly insecure?: boolean;
}

/** The largest that IPv4 carries: 65,535 bytes less the headers of IPv4 and UDP. */
export const udpBytesMax = 65_507;

const ethernetBytesMax = 1_472;

/**
 * Datagrams over UDP: `udp://127.0.0.1:7000`. None arrives broken, but any can be lost, doubled or overtaken, and nobody hears of it: the
 * system throws away what a receiver has no room for, and what is sent to where nobody receives. On loopback that happens only
 * when a receiver reads too slowly. Any process of the host can send to it, and across hosts anybody, in anybody's name: nothing in a
 * datagram is proof of who has sent it. The host is `localhost` or an IP address; port 0 takes a free port to receive at.
 *
 * `sender` rejects with INVALID_ARGUMENT for a name, for port 0, and for another host without `insecure`. `receive` rejects as `listen`
 * of `tcp` does.
 */
export function udp(options: UdpOptions = {}): Transport {
  const { datagramBytesMax, receiveBytes, insecure = false } = options;
  const asked = Math.min(udpBytesMax, atLeastOne("datagramBytesMax", datagramBytesMax ?? Infinity));
  if (receiveBytes !== undefined) atLeastOne("receiveBytes", receiveBytes);
  const bytesMaxTo = (address: Address): number =>
    datagramBytesMax === undefined && !isLoopback(address) ? ethernetBytesMax : asked;
  return {
    name: "udp",
    capabilities: {
      ordered: false,
      reliable: false,
      frameBytesMax: asked,
      crossProcess: true,
      crossHost: true,
      noticesDeath: false,
      connections: "none",
    },
    ...connectionless,
    datagrams: {
      sender: async (address, terms, env) => {
        const host = ipOf(address);
        if (portOf(address) === 0) throw noPort(address);
        if (!insecure && !isLoopback(address)) throw notHere(address);
        const place = { host, port: portOf(address), sameHost: isLoopback(address) };
        return senderBy(address, place, terms, bytesMaxTo(address), env);
      },
      receive: async (address, hear, terms) => {
        const place = { host: ipOf(address), port: portOf(address), receiveBytes };
        return receiveOn(address, place, hear, terms, bytesMaxTo(address));
      },
    },
  };
}

/** Names are not looked up: whoever answers for a name would get what is sent, and what comes of it nobody hears. */
function ipOf(address: Address): string {
  const host = hostOf(address);
  if (host === "localhost") return "127.0.0.1";
  if (isIP(host) !== 0) return host;
  throw systemError("INVALID_ARGUMENT", `${host} is a name`, {
    executed: "no",
    endpoint: address.text,
    advice: "write the IP address: datagrams are sent without asking who is there",
  });
}

export function noPort({ text }: Address): SystemError {
  return systemError("INVALID_ARGUMENT", "port 0 is for receiving only", {
    executed: "no",
    endpoint: text,
    advice: "send to the port that the receiver was given; its address tells",
  });
}

export function notHere({ text, transport }: Address): SystemError {
  const reason = "it leads to other hosts: what is sent there anybody can read, and send himself";
  return systemError("INVALID_ARGUMENT", reason, {
    executed: "no",
    endpoint: text,
    advice: `use tls://, or write ${transport.replace("udp+", "")}({ insecure: true }) among the transports`,
  });
}
