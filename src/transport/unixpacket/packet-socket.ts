import { getSystemErrorName } from "node:util";

import { systemError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import { addon, addonProblem, type Addon } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import { atLeastOne, outgoingBounds, type OutgoingBounds } from "../outgoing-bounds.ts";
import type { ConnectionOptions } from "../transport.ts";

/** The largest frame. Linux lets a socket send packets as large as its room, of which every system grants this much. */
export const packetBytesMax: number = 256 * 1024;

/** The byte in front of each packet: an empty packet could not be told from the end. */
export const kinds = { frame: 0, question: 1 } as const;
export const kindBytes = 1;

/** What the system takes of the room for itself (unix_dgram_sendmsg). */
const reservedBytes = 32;

/** @throws TrunklineError UNIMPLEMENTED where there is none. */
export function neededAddon(address: Address): Addon {
  const native = addon();
  if (native !== undefined) return native;
  const reason = `sockets with boundaries need the addon: ${addonProblem()}`;
  throw systemError("UNIMPLEMENTED", reason, {
    executed: "no",
    endpoint: address.text,
    advice: "use unix: at the same path, which needs none",
  });
}

/** Bounds of a connection, complete and checked; no frame is larger than a packet. */
export function packetBounds(options: ConnectionOptions): OutgoingBounds {
  const { frameBytesMax = packetBytesMax } = options;
  atLeastOne("frameBytesMax", frameBytesMax);
  return outgoingBounds({ ...options, frameBytesMax: Math.min(frameBytesMax, packetBytesMax) });
}

/** Gives a socket room for the largest packet. @throws TrunklineError RESOURCE_EXHAUSTED where the system does not grant it. */
export function makeRoom(native: Addon, fd: number, address: Address): void {
  const needed = packetBytesMax + kindBytes + reservedBytes;
  // The system doubles what is asked for.
  const granted = native.socketRoom(fd, native.sendRoom, Math.ceil(needed / 2));
  if (granted >= needed) return;
  const reason = `the system gives a socket room for ${granted} bytes, and the largest frame needs ${needed}`;
  throw systemError("RESOURCE_EXHAUSTED", reason, {
    executed: "no",
    endpoint: address.text,
    advice: `raise it: sysctl -w net.core.wmem_max=${needed}`,
  });
}

/** Who is at the other end, as the system knows it. */
export function peerOf(native: Addon, fd: number, address: Address): Peer {
  const who = native.socketPeer(fd);
  const known = { address: address.text, sameHost: true };
  if (typeof who === "number") return known;
  const [pid, uid, gid] = who;
  // 0 of a process of another pid namespace.
  return pid === 0 ? { ...known, uid, gid } : { ...known, pid, uid, gid };
}

/** What is no failure: there is nothing, or no room. Errors of the addon are negative. */
export const eagain = 11;

/** The error behind the negative number of one. */
export function systemErrorOf(number: number, call: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(number);
  return Object.assign(new Error(`${code}: ${call}`), { code, errno: number });
}
