import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";

/** The IP addresses of a host, the best first; rejects with an error of the system when there is none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** Addresses of one name that are tried; more would only prolong a dial that fails. */
export const addressesMax = 8;

export const systemLookup: Lookup = async (host) => {
  const found = await lookup(host, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
};

/**
 * The addresses of a host in the order in which they are tried: families take turns, so that one that is dead as a whole
 * costs one try. `localhost` is never asked for: it is this host (RFC 6761), first as our listeners bind it.
 */
export async function addressesOf(host: string, find: Lookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  if (host === "localhost") return ["127.0.0.1", "::1"];
  const found = await find(host);
  const first = isIPv6(found[0] ?? "");
  const [one, other] = [first, !first].map((six) => found.filter((ip) => isIPv6(ip) === six));
  const turns = one!.flatMap((ip, index) => [ip, ...other!.slice(index, index + 1)]);
  return [...turns, ...other!.slice(one!.length)].slice(0, addressesMax);
}
