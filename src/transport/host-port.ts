import { isIPv6 } from "node:net";

import type { Address } from "./address.ts";

/** The host in an address of the form `host:port`; IPv6 without its brackets. */
export function hostOf({ place }: Address): string {
  return place.slice(0, place.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
}

export function portOf({ place }: Address): number {
  return Number(place.slice(place.lastIndexOf(":") + 1));
}

/** `host:port` as addresses have it: IPv6 in brackets, IPv4 as such also where a socket says it as IPv6. */
export function hostPort(host: string, port: number): string {
  const bare = host.replace(/^::ffff:(?=\d+\.)/i, "");
  return `${isIPv6(bare) ? `[${bare}]` : bare}:${port}`;
}

/** The address with another port, the one that was bound. */
export function withPort(address: Address, port: number): Address {
  const place = hostPort(hostOf(address), port);
  const at = address.text.indexOf(address.place);
  const text = address.text.slice(0, at) + place + address.text.slice(at + address.place.length);
  return { ...address, text, place };
}
