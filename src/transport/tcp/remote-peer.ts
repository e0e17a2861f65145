import type { Peer } from "../../base/peer.ts";
import { hostPort } from "../host-port.ts";
import { isLoopbackIp } from "../loopback.ts";

/** What a socket knows of its other end; nothing when that has gone. */
interface Remote {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Who is at the other end of an accepted socket; undefined when nobody is any more. */
export function remotePeer(
  transport: string,
  { remoteAddress: ip, remotePort: port }: Remote,
): Peer | undefined {
  if (ip === undefined || port === undefined) return undefined;
  return { address: `${transport}://${hostPort(ip, port)}`, sameHost: isLoopbackIp(ip) };
}
