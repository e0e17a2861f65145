import type { Peer } from "../base/peer.ts";
import type { Caller } from "./protocol.ts";

const callers = new WeakMap<Peer, () => Caller>();

/** Says how a peer is called over the connection that it came by; `caller` is asked each time. */
export function offerCallback(peer: Peer, caller: () => Caller): void {
  callers.set(peer, caller);
}

/** Calls a peer over the connection that it came by; undefined where its protocol has no way back. */
export function callbackTo(peer: Peer): Caller | undefined {
  return callers.get(peer)?.();
}
