import type { Balancer, Candidate, PickAsk } from "./balancer.ts";
import { best, isEligible, wasTried } from "./eligible.ts";

/** Pairs that are drawn before all are looked at: with half of all unavailable less than one pick in 100 needs that (Finagle). */
const pairsMax = 4;

/** Loads that differ by less than a fifth are the same: they are guesses. */
const clearly = 0.8;

/**
 * Power of two choices over the load: draws two endpoints and takes the one with less to expect for its weight. Nearly as good as looking
 * at all, and clients that see the same loads do not all run to the same endpoint. The default. Mitzenmacher 2001; Finagle's `P2C`.
 */
export function p2c<C extends Candidate>(): Balancer<C> {
  return new TwoChoices<C>("p2c", (candidate, now) => candidate.load(now) / candidate.weight);
}

/** Power of two choices over the number of requests under way. For endpoints that are alike, where latencies say little. */
export function leastRequest<C extends Candidate>(): Balancer<C> {
  return new TwoChoices<C>(
    "leastRequest",
    (candidate) => (candidate.inFlight + 1) / candidate.weight,
  );
}

class TwoChoices<C extends Candidate> implements Balancer<C> {
  readonly name: string;
  readonly #score: (candidate: C, now: number) => number;
  #candidates: readonly C[] = [];

  constructor(name: string, score: (candidate: C, now: number) => number) {
    this.name = name;
    this.#score = score;
  }

  update(candidates: readonly C[]): void {
    this.#candidates = candidates;
  }

  pick(ask: PickAsk): C | undefined {
    const candidates = this.#candidates;
    const many = candidates.length;
    if (many === 1) return wasTried(candidates[0]!, ask) ? undefined : candidates[0];
    if (many === 0) return undefined;
    // Who is drawn beside one that is not available waits for another to be compared with: alone it would be chosen whatever its load.
    let alone: C | undefined;
    for (let pair = 0; pair < pairsMax; pair++) {
      const first = Math.floor(ask.random() * many);
      let second = Math.floor(ask.random() * (many - 1));
      if (second >= first) second++;
      const a = candidates[first]!;
      const b = candidates[second]!;
      const aMay = isEligible(a, ask);
      const bMay = isEligible(b, ask);
      if (aMay && bMay) return this.#better(a, b, ask);
      if (!aMay && !bMay) continue;
      const one = aMay ? a : b;
      if (alone !== undefined && alone !== one) return this.#better(alone, one, ask);
      alone = one;
    }
    return best(candidates, ask, this.#score);
  }

  /** The first drawn, unless the second is clearly better: whoever is ahead by a hair would get everything while there is little to do. */
  #better(a: C, b: C, { now, random }: PickAsk): C {
    const [aScore, bScore] = [this.#score(a, now), this.#score(b, now)];
    const chosen = bScore < aScore * clearly ? b : a;
    const [aWarm, bWarm] = [a.warmth?.(now) ?? 1, b.warmth?.(now) ?? 1];
    if (aWarm === bWarm || (chosen === a) === aWarm > bWarm) return chosen;
    // It is not warm. It gets what it is the better choice for as it is, and of the rest its share by a draw: if it only looked slower, it
    // would get nothing at all while there is little to do.
    const share = chosen === a ? aWarm / bWarm : bWarm / aWarm;
    const ahead = chosen === a ? aScore < bScore * share : bScore < aScore * share;
    if (ahead || random() < share) return chosen;
    return chosen === a ? b : a;
  }
}
