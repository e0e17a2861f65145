import type { Transport } from "../transport.ts";
import { dialUnix } from "./dial.ts";
import { listenUnix } from "./listen.ts";
import { frameBytesLimit } from "../outgoing-bounds.ts";

/** Connections over Unix domain sockets: `unix:/run/orders.sock`, between processes of one host. */
export function unix(): Transport {
  return {
    name: "unix",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: frameBytesLimit,
      crossProcess: true,
      crossHost: false,
      noticesDeath: true,
    },
    dial: dialUnix,
    listen: listenUnix,
  };
}
