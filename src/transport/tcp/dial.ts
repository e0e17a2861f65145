import type { NetConnectOpts } from "node:net";

import type { Env } from "../../base/env.ts";
import type { Peer } from "../../base/peer.ts";
import type { Address } from "../address.ts";
import type { Started } from "../framed-sockets.ts";
import { isLoopbackIp } from "../loopback.ts";
import type { Lookup } from "./lookup.ts";
import { reach } from "./reach.ts";
import { socketOptions } from "./socket-options.ts";

export async function reachTcp<T extends Started>(
  address: Address,
  until: number,
  lookup: Lookup,
  env: Env,
  start: (target: NetConnectOpts) => T,
): Promise<{ readonly started: T; readonly peer: Peer }> {
  const started = await reach(address, until, lookup, env, (target) =>
    start({ ...target, ...socketOptions }),
  );
  const sameHost = isLoopbackIp(started.socket.remoteAddress ?? "");
  return { started, peer: { address: address.text, sameHost } };
}
