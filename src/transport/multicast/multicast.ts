import type { Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { isIPv4 } from "node:net";

import { systemError, type SystemError } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { connectionless } from "../connectionless.ts";
import { hostOf, portOf } from "../host-port.ts";
import { atLeastOne } from "../outgoing-bounds.ts";
import type { Transport } from "../transport.ts";
import { receiveOn } from "../udp/receive.ts";
import { senderBy } from "../udp/sender.ts";
import { noPort, notHere, udpBytesMax } from "../udp/udp.ts";

export interface MulticastOptions {
  /** The largest datagram that is sent or received, in bytes, up to 65,507. Default 1,472, as with `udp` beyond loopback. */
  readonly datagramBytesMax?: number;
  /** Room in the system for datagrams that have come and were not read, in bytes. Default: the system's. */
  readonly receiveBytes?: number;
  /** Lets an address name another interface than loopback, and a `ttl` above 0. Default false. */
  readonly insecure?: boolean;
}

const ethernetBytesMax = 1_472;
const loopbackInterface = "127.0.0.1";
const ttlMax = 255;

/**
 * Datagrams to a group (RFC 1112): `udp+multicast://239.1.2.3:7000`. Each reaches everybody who receives there, the sender's own process
 * too, or is lost on the way to some: all that is said of `udp` holds. Unless its address says more, nothing leaves the host:
 * `?interface=127.0.0.1&ttl=0`. `interface` is the IPv4 address of one of this host's, `ttl` how many networks further it may go;
 * both need `multicast({ insecure: true })`, for then anybody there can listen, and send in anybody's name.
 */
export function multicast(options: MulticastOptions = {}): Transport {
  const { datagramBytesMax = ethernetBytesMax, receiveBytes, insecure = false } = options;
  const bytesMax = Math.min(udpBytesMax, atLeastOne("datagramBytesMax", datagramBytesMax));
  if (receiveBytes !== undefined) atLeastOne("receiveBytes", receiveBytes);
  return {
    name: "udp+multicast",
    capabilities: {
      ordered: false,
      reliable: false,
      frameBytesMax: bytesMax,
      crossProcess: true,
      crossHost: true,
      noticesDeath: false,
      connections: "none",
      broadcast: true,
    },
    ...connectionless,
    datagrams: {
      sender: async (address, terms, env) => {
        const { group, via, ttl } = termsOf(address, insecure);
        if (portOf(address) === 0) throw noPort(address);
        const place = {
          host: group,
          port: portOf(address),
          sameHost: via === loopbackInterface,
          prepare: (socket: Socket): void => {
            socket.setMulticastInterface(via);
            socket.setMulticastTTL(ttl);
            socket.setMulticastLoopback(true);
          },
        };
        return senderBy(address, place, terms, bytesMax, env);
      },
      receive: async (address, hear, terms) => {
        const { group, via } = termsOf(address, insecure);
        if (portOf(address) === 0) throw noPort(address);
        const place = {
          // Bound to the group, so that nothing comes in that was sent to this host alone.
          host: group,
          port: portOf(address),
          receiveBytes,
          shared: true,
          prepare: (socket: Socket): void => socket.addMembership(group, via),
        };
        return receiveOn(address, place, hear, terms, bytesMax);
      },
    },
  };
}

interface GroupTerms {
  readonly group: string;
  readonly via: string;
  readonly ttl: number;
}

/** What the address says, checked. */
function termsOf(address: Address, insecure: boolean): GroupTerms {
  const { interface: via = loopbackInterface, ttl: ttlText = "0" } = address.parameters ?? {};
  const group = hostOf(address);
  const first = Number(group.split(".", 1)[0]);
  if (!isIPv4(group) || first < 224 || first > 239)
    throw wrong(
      address,
      `${group} is no group`,
      "write one from 224.0.0.0 to 239.255.255.255; 239.… are free for your own use",
    );
  if (!isIPv4(via))
    throw wrong(
      address,
      `interface is ${via}`,
      `write the IPv4 address of one: ${ownInterfaces()}`,
    );
  const ttl = Number(ttlText);
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > ttlMax)
    throw wrong(address, `ttl is ${ttlText}`, `write a number from 0, this host, to ${ttlMax}`);
  if (!insecure && (via !== loopbackInterface || ttl > 0)) throw notHere(address);
  return { group, via, ttl };
}

function ownInterfaces(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.flatMap(({ family, address }) => (family === "IPv4" ? [address] : [])).join(", ");
}

function wrong({ text }: Address, reason: string, advice: string): SystemError {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", endpoint: text, advice });
}
