import { platform } from "node:os";

import { frameBytesLimit } from "../outgoing-bounds.ts";
import type { Transport } from "../transport.ts";
import { dialFifo } from "./dial.ts";
import { listenFifo } from "./listen.ts";
import { refuseWindows } from "../unix/refusal.ts";

/**
 * Connections over named pipes (fifo(7)) between processes of one user on one host: `fifo:/run/orders.fifo`. The pipe with that name is
 * where those who dial announce themselves; each connection has two pipes of its own beside it, with mode 0600, whose names are gone
 * as soon as both sides have opened them. A folder that is missing is made with mode 0700, and who dials must be able to write to it. A
 * pipe that a dead process has left over is taken over. `peer.uid` is the owner of the other side's pipe.
 *
 * The end of a peer and its death look the same to a pipe; on Linux they are told apart by asking whether anybody could still read what
 * we write, elsewhere a death looks like an end. Windows has pipes of another kind, and is refused with UNIMPLEMENTED.
 *
 * `dial` rejects, always with `executed: "no"`: UNAVAILABLE when nobody listens, not in time, or when it has all the connections that it
 * takes, PERMISSION_DENIED, INVALID_ARGUMENT when the path holds something else, RESOURCE_EXHAUSTED when the process may open no more files.
 * `listen` rejects: UNAVAILABLE when somebody listens there, PERMISSION_DENIED, INVALID_ARGUMENT when the path is taken by another file.
 */
export function fifo(): Transport {
  return {
    name: "fifo",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: frameBytesLimit,
      crossProcess: true,
      crossHost: false,
      noticesDeath: platform() === "linux",
    },
    dial: async (address, options, env) => {
      refuseWindows(address, "named pipes");
      return dialFifo(address, options, env);
    },
    listen: async (address, accept, options, env) => {
      refuseWindows(address, "named pipes");
      return listenFifo(address, accept, options, env);
    },
  };
}
