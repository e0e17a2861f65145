import { seededRandom } from "../../../base/random.ts";
import type { Balancer, Candidate, PickAsk } from "../balancer.ts";

/** An endpoint of which a test says everything. */
export interface EndpointDouble extends Candidate {
  weight: number;
  inFlight: number;
  up: boolean;
  loadMs: number;
}

export function endpoint(
  id: string,
  { rung = 0, ...rest }: Partial<EndpointDouble> = {},
): EndpointDouble {
  return {
    id,
    rung,
    weight: 1,
    inFlight: 0,
    up: true,
    loadMs: 10,
    load() {
      return this.loadMs * (this.inFlight + 1);
    },
    available() {
      return this.up;
    },
    ...rest,
  };
}

export function endpoints(many: number, rest: Partial<EndpointDouble> = {}): EndpointDouble[] {
  return Array.from({ length: many }, (_, index) => endpoint(`e${index}`, rest));
}

export function asking(seed: number, ask: Partial<PickAsk> = {}): PickAsk {
  return { now: 0, random: seededRandom(seed), ...ask };
}

/** How often each was chosen; nothing is under way at any time. */
export function picks(
  balancer: Balancer<EndpointDouble>,
  many: number,
  ask: PickAsk,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < many; i++) {
    const chosen = balancer.pick(ask);
    if (chosen !== undefined) counts[chosen.id] = (counts[chosen.id] ?? 0) + 1;
  }
  return counts;
}
