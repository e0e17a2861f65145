import { hash32 } from "../../base/hash32.ts";
import { rendezvousScore } from "../../discovery/balancing/rendezvous.ts";
import type { Placed } from "./roster.ts";

/**
 * Who owns each shard of a group: the consumer for which shard and consumer together hash highest, of those that have not their
 * share yet. Everybody who knows the same consumers comes to the same, shares differ by one at most, and who comes or goes moves
 * few shards of the others. Rendezvous hashing (Thaler and Ravishankar 1998) with bounded loads (Mirrokni and others 2018).
 *
 * `consumers`: at least one.
 */
export function ownersOf(name: string, shards: number, consumers: readonly Placed[]): Placed[] {
  const first = firstExclusive(consumers);
  if (first !== undefined) return Array.from({ length: shards }, () => first);
  const share = Math.floor(shards / consumers.length);
  /** So many have one more. */
  let more = shards % consumers.length;
  const counts = new Map<Placed, number>(consumers.map((each) => [each, 0]));
  return Array.from({ length: shards }, (_, shard) => {
    const key = hash32(`${name} ${shard}`);
    let owner: Placed | undefined;
    let highest = -Infinity;
    for (const each of consumers) {
      const count = counts.get(each)!;
      if (count > share || (count === share && more === 0)) continue;
      const score = rendezvousScore(each.hash, key, 1);
      if (score <= highest) continue;
      owner = each;
      highest = score;
    }
    const count = counts.get(owner!)!;
    if (count === share) more--;
    counts.set(owner!, count + 1);
    return owner!;
  });
}

/** Where one wants to be the only one, the one that came first consumes for all. */
export function firstExclusive(consumers: readonly Placed[]): Placed | undefined {
  if (!consumers.some(({ exclusive }) => exclusive)) return undefined;
  return consumers.reduce((one, other) => (one.consumer < other.consumer ? one : other));
}
