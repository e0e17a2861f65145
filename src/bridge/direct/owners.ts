import { hash32 } from "../../discovery/balancing/hash32.ts";
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
  const share = Math.ceil(shards / consumers.length);
  const counts = new Map<Placed, number>();
  return Array.from({ length: shards }, (_, shard) => {
    const key = hash32(`${name} ${shard}`);
    let owner: Placed | undefined;
    let highest = -Infinity;
    for (const each of consumers) {
      if ((counts.get(each) ?? 0) >= share) continue;
      const score = rendezvousScore(each.hash, key, 1);
      if (score <= highest) continue;
      owner = each;
      highest = score;
    }
    counts.set(owner!, (counts.get(owner!) ?? 0) + 1);
    return owner!;
  });
}

/** Where one wants to be the only one, the one that came first consumes for all. */
export function firstExclusive(consumers: readonly Placed[]): Placed | undefined {
  if (!consumers.some(({ exclusive }) => exclusive)) return undefined;
  return consumers.reduce((one, other) => (one.consumer < other.consumer ? one : other));
}
