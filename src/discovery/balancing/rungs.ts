import type { Balancer, Candidate, PickAsk } from "./balancer.ts";
import { p2c } from "./two-choices.ts";

/** A rung takes all requests as long as 1 / 1.4 of it, five of seven, is available (Envoy's overprovisioning factor). */
const overprovisioning = 1.4;
/** Below this share of available endpoints a rung panics, where the others cannot take its requests either (Envoy). */
const panicBelow = 0.5;
/** How old the count of available endpoints may be. */
const refreshMs = 100;

/** What is available of one rung. */
export interface RungHealth {
  readonly available: number;
  readonly total: number;
}

/** What one rung gets. */
export interface RungLoad {
  /** Its share of all requests, 0 to 1. */
  readonly share: number;
  /** Requests go to all of it, available or not. */
  readonly panic: boolean;
}

/** Envoy's formula of priority levels: requests move to farther rungs by degrees, as nearer ones have less than they need. */
export function rungLoads(levels: readonly RungHealth[]): RungLoad[] {
  const healths = levels.map(({ available, total }) =>
    total === 0 ? 0 : Math.min(1, (overprovisioning * available) / total),
  );
  const sum = healths.reduce((all, health) => all + health, 0);
  const whole = Math.min(1, sum);
  const everything = levels.reduce((all, { total }) => all + total, 0);
  let left = 1;
  return levels.map(({ available, total }, index) => {
    const wanted = whole === 0 ? total / Math.max(1, everything) : healths[index]! / whole;
    const share = Math.min(left, wanted);
    left -= share;
    return { share, panic: sum < 1 && total > 0 && available / total < panicBelow };
  });
}

/**
 * The nearest endpoints first, by their `rung`: those that are farther away are used by degrees, when too few of the nearer ones are
 * available, and for whoever has tried all the nearer ones. `inner` makes the balancer within each rung. The default, with `p2c`.
 */
export function rungs<C extends Candidate>(inner: () => Balancer<C> = p2c): Balancer<C> {
  return new Rungs(inner);
}

interface Rung<C extends Candidate> {
  readonly balancer: Balancer<C>;
  readonly candidates: C[];
}

class Rungs<C extends Candidate> implements Balancer<C> {
  readonly name: string;
  readonly #inner: () => Balancer<C>;
  /** By distance. */
  #rungs = new Map<number, Rung<C>>();
  #ordered: readonly Rung<C>[] = [];
  #loads: readonly RungLoad[] = [];
  #loadsUntil = -Infinity;

  constructor(inner: () => Balancer<C>) {
    this.#inner = inner;
    this.name = `rungs(${inner().name})`;
  }

  update(candidates: readonly C[], now: number): void {
    const before = this.#rungs;
    this.#rungs = new Map();
    for (const candidate of candidates) {
      const { rung: distance } = candidate;
      let rung = this.#rungs.get(distance);
      if (rung === undefined) {
        rung = { balancer: before.get(distance)?.balancer ?? this.#inner(), candidates: [] };
        this.#rungs.set(distance, rung);
      }
      rung.candidates.push(candidate);
    }
    const ordered = [...this.#rungs].toSorted(([a], [b]) => a - b).map(([, rung]) => rung);
    for (const { balancer, candidates: own } of ordered) balancer.update(own, now);
    this.#ordered = ordered;
    this.#loadsUntil = -Infinity;
  }

  pick(ask: PickAsk): C | undefined {
    const ordered = this.#ordered;
    if (ordered.length === 0) return undefined;
    if (ask.now >= this.#loadsUntil) this.#refresh(ask.now);
    const first = ordered.length === 1 ? 0 : this.#draw(ask);
    const chosen = this.#pickFrom(first, ask);
    if (chosen !== undefined && (this.#loads[first]!.panic || chosen.available(ask.now)))
      return chosen;
    return this.#elsewhere(first, chosen, ask);
  }

  #pickFrom(index: number, ask: PickAsk): C | undefined {
    const { panic } = this.#loads[index]!;
    return this.#ordered[index]!.balancer.pick(panic ? { ...ask, panic } : ask);
  }

  /** The nearest other rung that has an available one; else what was found already, and else whatever there is. */
  #elsewhere(first: number, found: C | undefined, ask: PickAsk): C | undefined {
    let last = found;
    for (let index = 0; index < this.#ordered.length; index++) {
      if (index === first) continue;
      const chosen = this.#ordered[index]!.balancer.pick(ask);
      if (chosen?.available(ask.now) === true) return chosen;
      last ??= chosen;
    }
    return last;
  }

  #draw({ random }: PickAsk): number {
    let left = random();
    for (let index = 0; index < this.#loads.length; index++) {
      left -= this.#loads[index]!.share;
      if (left < 0) return index;
    }
    return 0;
  }

  #refresh(now: number): void {
    this.#loadsUntil = now + refreshMs;
    this.#loads = rungLoads(
      this.#ordered.map(({ candidates }) => ({
        available: candidates.reduce((sum, each) => sum + (each.available(now) ? 1 : 0), 0),
        total: candidates.length,
      })),
    );
  }
}
