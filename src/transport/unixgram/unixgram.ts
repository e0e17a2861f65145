import { systemError } from "../../base/error.ts";
import { addon, addonProblem, type Addon } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import { connectionless } from "../connectionless.ts";
import { settingsOf } from "../unix/options.ts";
import type { Transport } from "../transport.ts";
import { receiveAt } from "./receive.ts";
import { senderTo } from "./sender.ts";

export interface UnixgramOptions {
  /** The mode of the socket file to receive at; to send, one must be able to write to it. Default 0o600: only the same user, and root. */
  readonly mode?: number;
  /** The group, by number, that the socket file and a folder that has to be made get. Default: as the file system has it. */
  readonly gid?: number;
}

/** The largest datagram: what fits into the room that Linux gives a socket to send with unless it is told otherwise (212,992). */
const datagramBytesMax = 131_072;

/**
 * Datagrams over Unix domain sockets, between processes of one host: `unixgram:/run/metrics.sock`. Their boundaries are kept, none is
 * lost or overtaken while both ends live, and who sends faster than the other reads waits: the system holds few of them
 * (`net.unix.max_dgram_qlen`). What a receiver has not read when it ends is lost, and nobody hears of it; what is sent afterwards
 * is refused. A socket file gets mode 0600 and is taken over when its process has died, as with `unix`. Of each datagram the system
 * tells who has sent it: `peer.uid`, `gid` and `pid`, the real user at that moment. With a mode for the user alone what any other user sends is
 * dropped and counted, but for root, even if he could: who has opened the socket as this user and has become another one since is a stranger.
 *
 * Needs the addon, for Node has no such sockets: elsewhere all is refused with UNIMPLEMENTED. `send` rejects with UNAVAILABLE when
 * nobody receives there, `sender` and `receive` as `dial` and `listen` of `unix`.
 */
export function unixgram(options: UnixgramOptions = {}): Transport {
  const settings = settingsOf(options);
  return {
    name: "unixgram",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: datagramBytesMax,
      crossProcess: true,
      crossHost: false,
      noticesDeath: true,
      connections: "none",
      tellsSenders: true,
    },
    ...connectionless,
    datagrams: {
      sender: async (address, terms, env) =>
        senderTo(needed(address), address, terms, datagramBytesMax, env),
      receive: async (address, hear, terms) =>
        receiveAt(needed(address), settings, address, hear, terms, datagramBytesMax),
    },
  };
}

function needed({ text }: Address): Addon {
  const os = addon();
  if (os !== undefined) return os;
  throw systemError(
    "UNIMPLEMENTED",
    `datagrams over Unix sockets need the addon: ${addonProblem()}`,
    {
      executed: "no",
      endpoint: text,
      advice: "use udp://127.0.0.1 or unix:, which need none",
    },
  );
}
