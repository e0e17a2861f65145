import { connectionless } from "../connectionless.ts";
import type { Transport } from "../transport.ts";
import { hearSignal } from "./receive.ts";
import { senderOf } from "./sender.ts";
import { signalBytes } from "./which.ts";

/**
 * Signals to a process of this host: `signal:4711?signal=SIGUSR2`, which is also the default, and `signal:self` for this one.
 * SIGHUP, SIGUSR1 and SIGUSR2 carry nothing; `kill -USR2 4711` is the same. Of several that come before the process looks it hears
 * one: they say that something is so, not how often. SIGRTMIN+0 to +30 (`?signal=SIGRTMIN+3`) carry four bytes each, are queued (one may overtake another), and
 * tell who has sent them; they need the addon.
 *
 * A process dies of such a signal that it does not listen to. On Linux that is looked up first, and sending is refused with UNAVAILABLE;
 * a process that stops to listen in that moment is not saved by it, nor one on another system. The number of a process that has
 * ended may belong to another one by now. Only processes of the same user, and root, may send. SIGUSR1 is Node's own too: it opens its
 * debugger where nobody listens. There are no signals on Windows: UNIMPLEMENTED.
 */
export function signal(): Transport {
  return {
    name: "signal",
    capabilities: {
      ordered: false,
      reliable: false,
      frameBytesMax: signalBytes,
      crossProcess: true,
      crossHost: false,
      noticesDeath: true,
      connections: "none",
    },
    ...connectionless,
    datagrams: {
      sender: async (address, options, env) => senderOf(address, options, env),
      receive: async (address, hear) => hearSignal(address, hear),
    },
  };
}
