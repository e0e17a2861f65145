import { systemError } from "../../base/error.ts";
import type { Balancer, Candidate, PickAsk } from "./balancer.ts";
import { best, isEligible } from "./eligible.ts";
import { hash32, point32 } from "../../base/hash32.ts";

export interface RingHashOptions {
  /** An endpoint takes at most so many times its fair share of what is under way, above 1; then its keys go to the next. Default 1.25. */
  readonly loadFactor?: number;
}

/** Points of one endpoint, and about how many there may be on the ring (gRPC A42): more share more evenly, fewer are built sooner. */
const pointsEachMax = 256;
const pointsMax = 4_096;
/** A point is one double: its place above these bits, the index of its endpoint in them. */
const indexSpan = 2 ** 20;
/** How old the count of what is under way may be: it is kept up by the picks in between. */
const countMs = 1;

/**
 * Requests with the same `hashKey` go to the same endpoint, as long as it is there and has room; when an endpoint comes or goes, only keys
 * next to it move. Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2016). Requests without a key go anywhere.
 */
export function ringHash<C extends Candidate>(options: RingHashOptions = {}): Balancer<C> {
  const { loadFactor = 1.25 } = options;
  if (!(loadFactor > 1))
    throw systemError("INVALID_ARGUMENT", `ringHash loadFactor is ${loadFactor}`, {
      executed: "no",
      advice: "give a number above 1; Infinity lets an endpoint have all of its keys",
    });
  return new RingHash<C>(loadFactor);
}

class RingHash<C extends Candidate> implements Balancer<C> {
  readonly name = "ringHash";
  readonly #loadFactor: number;
  #candidates: readonly C[] = [];
  #ring = new Float64Array(0);
  #weight = 0;
  #underWay = 0;
  #countedAt = -Infinity;

  constructor(loadFactor: number) {
    this.#loadFactor = loadFactor;
  }

  update(candidates: readonly C[]): void {
    this.#candidates = candidates;
    this.#weight = candidates.reduce((sum, { weight }) => sum + weight, 0);
    const each = pointsEach(candidates.length, this.#weight);
    const points: number[] = [];
    candidates.forEach(({ id, weight }, index) => {
      const hash = hash32(id);
      const own = Math.max(1, Math.round(each * weight));
      for (let i = 0; i < own; i++) points.push(point32(hash, i) * indexSpan + index);
    });
    this.#ring = Float64Array.from(points).toSorted();
    this.#countedAt = -Infinity;
  }

  pick(ask: PickAsk): C | undefined {
    const ring = this.#ring;
    if (ring.length === 0) return undefined;
    const { hashKey } = ask;
    const place = hashKey === undefined ? ask.random() * 2 ** 32 : hash32(hashKey);
    const share = (this.#loadFactor * this.#counted(ask.now)) / this.#weight;
    const from = firstFrom(ring, place * indexSpan);
    for (let i = 0; i < ring.length; i++) {
      const candidate = this.#candidates[ring[(from + i) % ring.length]! % indexSpan]!;
      if (candidate.inFlight < Math.ceil(share * candidate.weight) && isEligible(candidate, ask))
        return candidate;
    }
    return best(this.#candidates, ask, underWay);
  }

  /** What is under way with this request, over all endpoints. */
  #counted(now: number): number {
    if (now >= this.#countedAt + countMs) {
      this.#countedAt = now;
      this.#underWay = this.#candidates.reduce((sum, { inFlight }) => sum + inFlight, 0);
    }
    return ++this.#underWay;
  }
}

/** Points for a weight of 1. In powers of two, so that one endpoint that goes does not change the points of all the others. */
function pointsEach(many: number, weight: number): number {
  const places = 2 ** Math.ceil(Math.log2(many));
  const usual = 2 ** Math.round(Math.log2(weight / many));
  return Math.min(pointsEachMax, pointsMax / places) / usual;
}

function underWay(candidate: Candidate): number {
  return (candidate.inFlight + 1) / candidate.weight;
}

/** The index of the first point at or after the place; 0 when it lies behind the last. */
function firstFrom(ring: Float64Array, place: number): number {
  let low = 0;
  let high = ring.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ring[middle]! < place) low = middle + 1;
    else high = middle;
  }
  return low % ring.length;
}
