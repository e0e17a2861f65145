import { boundedWhole } from "../../resilience/bounded.ts";
import type { Balancer, Candidate } from "./balancer.ts";
import { wasTried } from "./eligible.ts";
import { hash32 } from "../../base/hash32.ts";
import { rendezvousScore } from "./rendezvous.ts";

export interface RandomSubsetOptions {
  /** Who chooses: callers with other seeds choose other subsets, the same one always the same. */
  readonly seed: string;
  /** How many endpoints one caller uses, 2 to 10,000. Default 20 (Ribbon). */
  readonly size?: number;
  /** Only where there are more than so many, at least `size`. Default 64. */
  readonly above?: number;
}

/**
 * Lets a caller use a few of very many endpoints, and `inner` choose among these: fewer connections on both sides. By rendezvous hashing, so
 * that an endpoint that goes changes one place in the subset, without anybody coordinating the callers. gRPC A68.
 */
export function randomSubset<C extends Candidate>(
  options: RandomSubsetOptions,
  inner: Balancer<C>,
): Balancer<C> {
  const size = boundedWhole("randomSubset size", options.size ?? 20, 2, 10_000);
  const above = boundedWhole("randomSubset above", options.above ?? Math.max(64, size), size, 1e6);
  const key = hash32(options.seed);
  let others: readonly C[] = [];
  return {
    name: `randomSubset(${inner.name})`,
    update(candidates, now) {
      if (candidates.length <= above) {
        others = [];
        inner.update(candidates, now);
        return;
      }
      const order = candidates
        .map((candidate) => ({ candidate, score: scoreOf(candidate, key) }))
        .toSorted((a, b) => b.score - a.score)
        .map(({ candidate }) => candidate);
      others = order.slice(size);
      inner.update(order.slice(0, size), now);
    },
    pick(ask) {
      const chosen = inner.pick(ask);
      if (chosen !== undefined && (ask.panic === true || chosen.available(ask.now))) return chosen;
      // All of the subset are down or tried: the next in order, which the same caller always finds first.
      const left = others.filter((candidate) => !wasTried(candidate, ask));
      return left.find((candidate) => candidate.available(ask.now)) ?? chosen ?? left[0];
    },
  };
}

function scoreOf({ id, weight }: Candidate, key: number): number {
  return rendezvousScore(hash32(id), key, weight);
}
