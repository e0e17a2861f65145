import type { Transport } from "../transport.ts";
import { settingsOf, type UnixOptions } from "../unix/options.ts";
import { dialPackets } from "./dial.ts";
import { listenForPackets } from "./listen.ts";
import { packetBytesMax } from "./packet-socket.ts";

/** Who may connect, as for `unix:`. */
export type UnixPacketOptions = Pick<UnixOptions, "mode" | "gid">;

/**
 * Connections over Unix sockets that keep boundaries (SOCK_SEQPACKET, unix(7)), between processes of one Linux host:
 * `unixpacket:/run/orders.sock`. Each frame is one packet, in order and without loss, and 256 KiB at most; protocols cut what is larger. Files,
 * modes and left-over sockets are those of `unix:`. `peer.uid`, `gid` and `pid` are what the system says of who connected, or listened.
 *
 * `dial` and `listen` reject as those of `unix:` do, and with UNIMPLEMENTED where there is no addon for the machine, and RESOURCE_EXHAUSTED
 * where the system gives sockets less room than the largest frame (net.core.wmem_max).
 */
export function unixpacket(options: UnixPacketOptions = {}): Transport {
  const settings = settingsOf({ ...options, shm: "off" });
  return {
    name: "unixpacket",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: packetBytesMax,
      crossProcess: true,
      crossHost: false,
      noticesDeath: true,
    },
    dial: dialPackets,
    listen: (address, accept, listenOptions, env) =>
      listenForPackets(settings, address, accept, listenOptions, env),
  };
}
