import type { Balancer, Candidate, PickAsk } from "./balancer.ts";
import { best, isEligible } from "./eligible.ts";

/** One after the other, from a random one on. Looks at neither load nor weight. */
export function roundRobin<C extends Candidate>(): Balancer<C> {
  let all: readonly C[] = [];
  let next: number | undefined;
  return {
    name: "roundRobin",
    update(candidates) {
      all = candidates;
    },
    pick(ask) {
      next ??= Math.floor(ask.random() * all.length);
      for (let i = 0; i < all.length; i++) {
        const candidate = all[next++ % all.length]!;
        if (isEligible(candidate, ask)) return candidate;
      }
      return best(all, ask, alike);
    },
  };
}

/** Draws before all are looked at. */
const drawsMax = 4;

/** Any, all alike. Looks at neither load nor weight. */
export function uniformRandom<C extends Candidate>(): Balancer<C> {
  let all: readonly C[] = [];
  return {
    name: "uniformRandom",
    update(candidates) {
      all = candidates;
    },
    pick(ask) {
      for (let draw = 0; draw < drawsMax && all.length > 0; draw++) {
        const candidate = all[Math.floor(ask.random() * all.length)]!;
        if (isEligible(candidate, ask)) return candidate;
      }
      return best(all, ask, alike);
    },
  };
}

function alike(): number {
  return 0;
}

/** A candidate and the virtual time of its next turn. */
interface Turn<C> {
  readonly candidate: C;
  /** NaN until the first pick has placed it somewhere in its first interval. */
  at: number;
}

/**
 * In turn by weight: who has twice the weight gets twice the turns, evenly spread. Earliest deadline first, as Envoy and gRPC A58 do. The
 * weight is read at each turn, so that slow start and ramps work.
 */
export function weighted<C extends Candidate>(): Balancer<C> {
  return new Weighted<C>();
}

class Weighted<C extends Candidate> implements Balancer<C> {
  readonly name = "weighted";
  #candidates: readonly C[] = [];
  /** A binary heap, the earliest turn first. */
  #turns: Turn<C>[] = [];
  #clock = 0;
  #placed = true;

  update(candidates: readonly C[]): void {
    const before = new Map(this.#turns.map(({ candidate, at }) => [candidate.id, at]));
    this.#candidates = candidates;
    this.#turns = candidates.map((candidate) => ({
      candidate,
      at: before.get(candidate.id) ?? Number.NaN,
    }));
    this.#placed = false;
  }

  pick(ask: PickAsk): C | undefined {
    const turns = this.#turns;
    if (!this.#placed) this.#place(ask);
    for (let i = 0; i < turns.length; i++) {
      const turn = turns[0]!;
      const { candidate } = turn;
      this.#clock = Math.max(this.#clock, turn.at);
      turn.at = this.#clock + 1 / candidate.weight;
      sink(turns, 0);
      if (isEligible(candidate, ask)) return candidate;
    }
    return best(this.#candidates, ask, heaviest);
  }

  #place({ random }: PickAsk): void {
    for (const turn of this.#turns)
      if (Number.isNaN(turn.at)) turn.at = this.#clock + random() / turn.candidate.weight;
    for (let i = (this.#turns.length >> 1) - 1; i >= 0; i--) sink(this.#turns, i);
    this.#placed = true;
  }
}

function heaviest(candidate: Candidate): number {
  return -candidate.weight;
}

function sink<C>(turns: Turn<C>[], from: number): void {
  const turn = turns[from]!;
  let hole = from;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= turns.length) break;
    if (child + 1 < turns.length && turns[child + 1]!.at < turns[child]!.at) child++;
    if (turns[child]!.at >= turn.at) break;
    turns[hole] = turns[child]!;
    hole = child;
  }
  turns[hole] = turn;
}
