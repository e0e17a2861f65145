import type { Kind } from "../base/handler.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import { sameHost } from "../base/host-id.ts";
import { laneOf } from "../discovery/instance.ts";
import type { Instance, Locality } from "../discovery/discovery.ts";
import type { Connected } from "../pipeline/found-targets.ts";
import type { ConnectOptions } from "../protocol/protocol.ts";
import { parseAddress, type Address } from "../transport/address.ts";
import type { CallerPool, TakenCaller } from "./caller-pool.ts";
import { NearestCaller } from "./nearest-caller.ts";
import { wayTo, type Given } from "./schemes.ts";

/** Where this process is, and what it can use. */
export interface Standpoint {
  readonly hostId: string | undefined;
  readonly locality: Locality | undefined;
  readonly kinds: ReadonlySet<Kind>;
  readonly given: Given;
  /** Bounds of each connection. */
  readonly connect: ConnectOptions;
  readonly pool: CallerPool;
  readonly env: Env;
}

/** How near an address is by its transport, among those of one instance: 0 is nearest. */
const distances: ReadonlyMap<string, number> = new Map([
  ["memory", 0],
  ["unix", 1],
  ["unixgram", 1],
  ["fifo", 1],
  ["unixpacket", 1],
]);

/** Addresses of which there is one connection, made when the process began. */
const bound: ReadonlySet<string> = new Set(["worker", "stdio"]);

/** A caller of the instance by the nearest of its addresses that can be used from here; a sentence when there is none. */
export function reach(instance: Instance, from: Standpoint): Connected | string {
  const problems: string[] = [];
  const usable: Address[] = [];
  for (const text of instance.addresses) {
    const usableOrWhy = usableAddress(text, from);
    if (typeof usableOrWhy === "string") problems.push(usableOrWhy);
    else usable.push(usableOrWhy);
  }
  if (usable.length === 0) {
    return problems.length === 0 ? `${instance.id} has no address` : problems.join("; ");
  }
  const near = ({ transport }: Address): number => distances.get(transport) ?? 2;
  const ways = usable
    .toSorted((a, b) => near(a) - near(b))
    .map((address) => (): TakenCaller => {
      return from.pool.take(
        address,
        from.connect,
        undefined,
        from.env,
        from.given,
        laneOf(instance),
      );
    });
  const rung = near(usable[0]!) === 0 ? 0 : rungOf(instance, from);
  if (ways.length === 1) {
    const { caller, release } = ways[0]!();
    return { caller, rung, release };
  }
  const caller = new NearestCaller(ways);
  return { caller, rung, release: (withinMs) => caller.close(withinMs) };
}

/** Addresses on other hosts have been left out before: the set of endpoints knows the host. */
function usableAddress(text: string, from: Standpoint): Address | string {
  try {
    const address = parseAddress(text);
    const { transport } = address;
    if (bound.has(transport)) return `${text} can only be used by the process that it was made for`;
    const { protocol } = wayTo(address, from.given);
    // Nobody has said that it may be lost: only who names such an address has.
    if (protocol?.capabilities.ordered === false) return `${text} is for those who name it`;
    const missing = [...from.kinds].find(
      (kind) => protocol?.capabilities.kinds.includes(kind) === false,
    );
    if (missing !== undefined) return `${address.protocol} at ${text} has no ${missing}`;
    return address;
  } catch (error) {
    if (isTrunklineError(error)) return error.reason;
    throw error;
  }
}

/** 0 in this process, 1 on this host, 2 in this zone, 3 in this region, 4 anywhere. */
function rungOf({ hostId, locality = {} }: Instance, from: Standpoint): number {
  if (hostId !== undefined && from.hostId !== undefined && sameHost(hostId, from.hostId)) return 1;
  const own = from.locality ?? {};
  if (own.region === undefined || own.region !== locality.region) return 4;
  return own.zone !== undefined && own.zone === locality.zone ? 2 : 3;
}
