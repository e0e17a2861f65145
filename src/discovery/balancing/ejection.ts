import { bounded, boundedWhole } from "../../resilience/bounded.ts";
import { effects, type OutcomeKind } from "../../resilience/outcome.ts";

export interface EjectionOptions {
  /** How often it is decided, 100 to 600,000 ms. Default 10,000. */
  readonly intervalMs?: number;
  /** An endpoint is out for this time, longer by as much with each time; 0 to `ejectedMsMax`. Default 30,000. */
  readonly ejectedMs?: number;
  /** Default 300,000. */
  readonly ejectedMsMax?: number;
  /** So many endpoints must have been asked `requestsMin` times in an interval: fewer have no average worth the name. Default 5. */
  readonly endpointsMin?: number;
  /** Default 100. */
  readonly requestsMin?: number;
  /** Out is whose success rate is so many standard deviations below the mean. Default 1.9. */
  readonly deviations?: number;
  /** The share of endpoints that may be out together, 0 to 1. Default 0.1; of three and more always one; never the last. */
  readonly share?: number;
}

/** One endpoint, as outlier ejection sees it. */
export interface Suspect {
  record(outcome: OutcomeKind): void;
  readonly ejected: boolean;
}

class Seat implements Suspect {
  successes = 0;
  total = 0;
  /** How often it was ejected, less the healthy intervals since. */
  multiplier = 0;
  ejectedAt: number | undefined;

  get ejected(): boolean {
    return this.ejectedAt !== undefined;
  }

  record(outcome: OutcomeKind): void {
    const effect = effects[outcome].breaker;
    if (effect === "ignore") return;
    this.total++;
    if (effect === "success") this.successes++;
  }
}

/**
 * Takes endpoints out that succeed clearly less often than the others, for a while: what a breaker, which knows only its own endpoint, does
 * not notice. Envoy's and gRPC A50's success rate algorithm, without timers: `sweep` decides when an interval is over.
 */
export class Ejection {
  readonly #options: Required<EjectionOptions>;
  readonly #seats = new Set<Seat>();
  #sweepAt: number;

  constructor(options: EjectionOptions, now: number) {
    this.#options = complete(options);
    this.#sweepAt = now + this.#options.intervalMs;
  }

  /** A new endpoint; leaves by `leave`. */
  join(): Suspect {
    const seat = new Seat();
    this.#seats.add(seat);
    return seat;
  }

  leave(suspect: Suspect): void {
    this.#seats.delete(suspect as Seat);
  }

  /** How many are out. */
  get ejected(): number {
    let out = 0;
    for (const seat of this.#seats) if (seat.ejected) out++;
    return out;
  }

  /** To be called often, before each pick for instance: costs one comparison while no interval is over. */
  sweep(now: number): void {
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + this.#options.intervalMs;
    const before = new Set([...this.#seats].filter(({ ejectedAt }) => ejectedAt !== undefined));
    for (const outlier of this.#outliers()) if (this.#roomForOne()) eject(outlier, now);
    for (const seat of this.#seats) {
      seat.successes = 0;
      seat.total = 0;
      if (!before.has(seat)) {
        if (seat.ejectedAt === undefined && seat.multiplier > 0) seat.multiplier--;
      } else if (now >= seat.ejectedAt! + this.#lengthMs(seat)) seat.ejectedAt = undefined;
    }
  }

  #outliers(): Seat[] {
    const { endpointsMin, requestsMin, deviations } = this.#options;
    const judged = [...this.#seats].filter(({ total }) => total >= requestsMin);
    if (judged.length < endpointsMin) return [];
    const rates = judged.map(({ successes, total }) => successes / total);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
    const least = mean - deviations * Math.sqrt(variance);
    return judged
      .filter((seat, index) => seat.ejectedAt === undefined && rates[index]! < least)
      .toSorted((a, b) => a.successes / a.total - b.successes / b.total);
  }

  /** Whether the bounds still hold after one more. */
  #roomForOne(): boolean {
    const many = this.#seats.size;
    const out = this.ejected + 1;
    const allowed = Math.max(this.#options.share * many, many >= 3 ? 1 : 0);
    return out <= allowed && out < many;
  }

  #lengthMs({ multiplier }: Seat): number {
    const { ejectedMs, ejectedMsMax } = this.#options;
    return Math.min(ejectedMs * multiplier, ejectedMsMax);
  }
}

function eject(seat: Seat, now: number): void {
  seat.ejectedAt = now;
  seat.multiplier++;
}

function complete(options: EjectionOptions): Required<EjectionOptions> {
  const ejectedMs = bounded("ejection ejectedMs", options.ejectedMs ?? 30_000, 0, 86_400_000);
  const longest = options.ejectedMsMax ?? Math.max(300_000, ejectedMs);
  return {
    intervalMs: bounded("ejection intervalMs", options.intervalMs ?? 10_000, 100, 600_000),
    ejectedMs,
    ejectedMsMax: bounded("ejection ejectedMsMax", longest, ejectedMs, 86_400_000),
    endpointsMin: boundedWhole("ejection endpointsMin", options.endpointsMin ?? 5, 2, 1_000_000),
    requestsMin: boundedWhole("ejection requestsMin", options.requestsMin ?? 100, 1, 1_000_000),
    deviations: bounded("ejection deviations", options.deviations ?? 1.9, 0, 100),
    share: bounded("ejection share", options.share ?? 0.1, 0, 1),
  };
}
