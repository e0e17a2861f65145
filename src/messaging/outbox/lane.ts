import { shardOf } from "../../broker/shard-of.ts";
import { orderedLanes, unorderedLanes } from "../../store/outbox-rows.ts";
import type { Random } from "../../base/random.ts";

/**
 * The lane of an ordering key, the same for ever. The high bits of a product (Knuth's multiplicative hashing), so that lanes and the
 * shards of a broker, which are a remainder of the same hash, do not coincide.
 */
export function laneOfKey(key: string): number {
  const product = Math.imul(shardOf(key, 2 ** 32), 0x9e3779b1) >>> 0;
  return Math.floor((product / 2 ** 32) * orderedLanes);
}

/** A lane of those that wait for nobody. */
export function anyLane(random: Random): number {
  return orderedLanes + Math.floor(random() * unorderedLanes);
}
