import { networkInterfaces } from "node:os";

import { hostOf, portOf, hostPort } from "../transport/host-port.ts";
import type { Address } from "../transport/address.ts";

/** One address of a network interface, as `os.networkInterfaces()` tells it. */
export interface HostAddress {
  readonly address: string;
  readonly family: string;
  readonly internal: boolean;
}

/** Transports that do not leave the process, or only to its child: nobody who finds them elsewhere can use them. */
const ownTransports: ReadonlySet<string> = new Set(["memory", "worker", "stdio"]);

/**
 * The addresses by which others reach what listens, in the order given. What does not leave the process is left out, unless the
 * registry does not either. In the place of a wildcard (`0.0.0.0`, `[::]`) stands an address of this host: the first of its
 * interfaces that is neither loopback nor link-local, IPv4 before IPv6; the loopback address where there is none.
 */
export function advertised(
  listening: readonly Address[],
  insideProcess: boolean,
  interfaces: readonly HostAddress[] = hostAddresses(),
): string[] {
  return (
    listening
      // Who is to be asked by way of a broker asks the broker, and need not find anybody.
      .filter(({ protocol }) => protocol !== "broker")
      .filter(({ transport }) => insideProcess || !ownTransports.has(transport))
      .map((address) => {
        if (address.transport !== "tcp" && address.transport !== "tls") return address.text;
        const host = hostOf(address);
        if (host !== "0.0.0.0" && host !== "::") return address.text;
        const own = hostPort(ownHost(host, interfaces), portOf(address));
        return address.text.slice(0, -address.place.length) + own;
      })
  );
}

function ownHost(wildcard: string, interfaces: readonly HostAddress[]): string {
  const outside = interfaces.filter(
    ({ address, internal }) => !internal && !/^(?:169\.254\.|fe80:)/i.test(address),
  );
  const four = outside.find(({ family }) => family === "IPv4")?.address;
  const six = outside.find(({ family }) => family === "IPv6")?.address;
  // Whoever listens on `::` takes IPv4 too.
  return wildcard === "::" ? (four ?? six ?? "::1") : (four ?? "127.0.0.1");
}

function hostAddresses(): HostAddress[] {
  return Object.values(networkInterfaces()).flatMap((each) => each ?? []);
}
