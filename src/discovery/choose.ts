import { sameHost } from "../base/host-id.ts";
import type { Instance } from "./discovery.ts";
import { laneOf, serves } from "./instance.ts";

/** Which instances of a service somebody can use. */
export interface Wanted {
  readonly service: string;
  /** The major version that is spoken. Default: any. */
  readonly major?: number | undefined;
  /** Only instances of this lane. Default: all, and whoever picks looks at the lane. */
  readonly lane?: string | undefined;
  /**
   * The host of whoever calls, `hostId()`: socket files are left out on another host, loopback addresses on another network.
   * Default: not known, nothing is left out.
   */
  readonly hostId?: string | undefined;
}

/** An instance that is not used. */
export interface Excluded {
  readonly id: string;
  readonly reason: string;
}

/** Divides the instances that a registry names into those that can be used, with the addresses by which they can, and the others. */
export function choose(
  instances: readonly Instance[],
  wanted: Wanted,
): { readonly chosen: readonly Instance[]; readonly excluded: readonly Excluded[] } {
  const chosen: Instance[] = [];
  const excluded: Excluded[] = [];
  for (const instance of instances) {
    const reason = reasonAgainst(instance, wanted);
    const addresses = reachable(instance, wanted.hostId);
    if (reason !== undefined) excluded.push({ id: instance.id, reason });
    else if (addresses.length > 0)
      chosen.push(
        addresses.length === instance.addresses.length ? instance : { ...instance, addresses },
      );
    else excluded.push({ id: instance.id, reason: "no address that this host could reach" });
  }
  return { chosen, excluded };
}

/** Its addresses without those that are known to lead somewhere else from here. */
export function reachable(
  { addresses, hostId }: Instance,
  ownHostId: string | undefined,
): string[] {
  if (hostId === undefined || ownHostId === undefined || hostId === ownHostId)
    return [...addresses];
  const files = sameHost(hostId, ownHostId);
  return addresses.filter((address) => !loopback.test(address) && (files || !onHost.test(address)));
}

/** What only the same host reaches. */
const onHost = /^(?:[a-z0-9]+\+)?(?:unix|fifo|memory|worker|stdio):/;
/** What leads to whoever asks: in another network, to a port of its own. */
const loopback = /:\/\/(?:127\.[0-9.]+|\[::1\]|localhost)(?::\d+)?$/;

function reasonAgainst(instance: Instance, wanted: Wanted): string | undefined {
  const { service, major, lane } = wanted;
  if (instance.state === "starting") return "it is starting";
  if (!serves(instance, service, major)) return `it does not serve ${service}@${major ?? "…"}`;
  if (lane !== undefined && laneOf(instance) !== lane)
    return `it is on lane ${laneOf(instance)}, not ${lane}`;
  return undefined;
}
