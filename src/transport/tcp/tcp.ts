import {
  dialFrames,
  dialSocket,
  listenFrames,
  type MoverOf,
  type Reach,
} from "../framed-sockets.ts";
import { frameBytesLimit } from "../outgoing-bounds.ts";
import { hostMoverOf, sameHostSettings, type SameHostOptions } from "../same-host/index.ts";
import type { Sockets, Transport } from "../transport.ts";
import { reachTcp } from "./dial.ts";
import { listenTcp } from "./listen.ts";
import { systemLookup, type Lookup } from "./lookup.ts";

export interface TcpOptions {
  /** How the name of a host becomes IP addresses, the best first. Default: as the system does it. */
  readonly lookup?: Lookup;
  /**
   * Whether a connection both ends of which are on this host moves to a Unix socket, and from there to shared memory: `auto`, the
   * default, where both processes are of one user and nothing stands between them; `off`, never. Tuning goes in an object. It stays on TCP
   * where that cannot be, and nobody notices.
   */
  readonly sameHost?: "auto" | "off" | SameHostOptions;
}

/**
 * Connections over TCP, between processes of one host or of several: `tcp://orders.internal:7400`, `tcp://127.0.0.1:7400`,
 * `tcp://[::1]:7400`. Nothing is encrypted and nobody is known: across hosts use `tls`. A name with several addresses is
 * dialled as RFC 8305 has it, so that a dead address costs a quarter of a second. To listen on port 0 takes a free port,
 * which the listener's address tells; on `[::]` IPv4 is accepted too.
 *
 * A peer that dies is heard of at once as an end, or as a loss when it left something unread. A host that vanishes is
 * not heard of: that is what the protocol's keep-alive is for.
 *
 * Two processes of one user on one host move to a Unix socket and on to shared memory by themselves (`sameHost`).
 *
 * `dial` rejects, always with `executed: "no"`: UNAVAILABLE when the host is not known, does not answer, or nobody listens;
 * PERMISSION_DENIED; INVALID_ARGUMENT for port 0; RESOURCE_EXHAUSTED when the process may open no more files.
 * `listen` rejects: UNAVAILABLE when somebody listens there, PERMISSION_DENIED for a port below 1024, INVALID_ARGUMENT when
 * the address is none of this host, RESOURCE_EXHAUSTED when the process may open no more files.
 */
export function tcp(options: TcpOptions = {}): Transport {
  const { lookup = systemLookup } = options;
  const settings = sameHostSettings(options.sameHost);
  const moverOf: MoverOf = (socket, dialled, env) =>
    hostMoverOf("tcp", settings, socket, dialled, env);
  const reach: Reach = (address, until, env, start) => reachTcp(address, until, lookup, env, start);
  const sockets: Sockets = {
    dial: (address, dialOptions, env) => dialSocket(reach, address, dialOptions, env),
    listen: (address, accept, listenOptions, env) =>
      listenTcp(address, accept, listenOptions, lookup, env),
  };
  return {
    name: "tcp",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: frameBytesLimit,
      crossProcess: true,
      crossHost: true,
      // The end of a process looks like the end of its sending; that of a host like silence.
      noticesDeath: false,
    },
    dial: (address, dialOptions, env) => dialFrames(reach, address, dialOptions, env, moverOf),
    listen: (address, accept, listenOptions, env) =>
      listenFrames(sockets, address, accept, listenOptions, env, moverOf),
    sockets,
  };
}
