import { BlockList, isIP } from "node:net";

import type { Address } from "./address.ts";
import { hostOf } from "./host-port.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

const withHosts: ReadonlySet<string> = new Set(["tcp", "tls", "udp"]);

/**
 * True when nobody outside this host reaches the address: `localhost`, an address of the loopback network, or a
 * transport without hosts (memory, unix…). A name that only the resolver knows is false, wherever it leads.
 */
export function isLoopback(address: Address): boolean {
  if (!withHosts.has(address.transport)) return true;
  const host = hostOf(address);
  return host === "localhost" || isLoopbackIp(host);
}

/** True for 127.0.0.0/8 and ::1, also where they are written as IPv6 (`::ffff:127.0.0.1`) or with a zone. */
export function isLoopbackIp(text: string): boolean {
  const ip = text.replace(/%.*$/, "");
  const version = isIP(ip);
  return version !== 0 && loopback.check(ip, version === 4 ? "ipv4" : "ipv6");
}
