import type { Balancer, Candidate, PickAsk } from "./balancer.ts";
import { wasTried } from "./eligible.ts";
import { hash32, mix32 } from "../../base/hash32.ts";

/**
 * Requests with the same `hashKey` go to the same endpoint: the one for which key and endpoint together hash highest. Shares more evenly than
 * a ring and needs none, but looks at every endpoint for each pick: for up to about 64. It does not bound the load of one. Thaler and
 * Ravishankar 1998.
 */
export function rendezvous<C extends Candidate>(): Balancer<C> {
  let all: readonly C[] = [];
  let hashes = new Uint32Array(0);
  return {
    name: "rendezvous",
    update(candidates) {
      all = candidates;
      hashes = Uint32Array.from(candidates, ({ id }) => hash32(id));
    },
    pick(ask) {
      return highest(all, hashes, ask);
    },
  };
}

function highest<C extends Candidate>(
  all: readonly C[],
  hashes: Uint32Array,
  ask: PickAsk,
): C | undefined {
  const key = ask.hashKey === undefined ? Math.floor(ask.random() * 2 ** 32) : hash32(ask.hashKey);
  let found: C | undefined;
  let foundScore = -Infinity;
  let foundEligible = false;
  for (let i = 0; i < all.length; i++) {
    const candidate = all[i]!;
    if (wasTried(candidate, ask)) continue;
    const eligible = ask.panic === true || candidate.available(ask.now);
    if (foundEligible && !eligible) continue;
    const score = rendezvousScore(hashes[i]!, key, candidate.weight);
    if (eligible === foundEligible && score <= foundScore) continue;
    found = candidate;
    foundScore = score;
    foundEligible = eligible;
  }
  return found;
}

/** Highest for the one that is chosen; who has twice the weight is chosen twice as often. */
export function rendezvousScore(hash: number, key: number, weight: number): number {
  const unit = (mix32(hash ^ key) + 0.5) / 2 ** 32;
  return -weight / Math.log(unit);
}
