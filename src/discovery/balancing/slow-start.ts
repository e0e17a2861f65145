import { bounded } from "../../resilience/bounded.ts";

export interface SlowStartOptions {
  /** How long a new endpoint gets less than its share, 0 (never) to 3,600,000 ms. Default 10,000. */
  readonly windowMs?: number;
  /** Above 1 it gets more sooner, below 1 later, 0.1 to 10. Default 1: evenly. */
  readonly aggression?: number;
}

/** The least share: so that it warms up at all. */
const floor = 0.1;

/**
 * The factor of the weight of an endpoint that is `ageMs` old: 0.1 at first, 1 when it has warmed up. Envoy's formula. Where all are new it
 * changes nothing, since only the weights beside each other count.
 */
export function slowStart(options: SlowStartOptions = {}): (ageMs: number) => number {
  const windowMs = bounded("slowStart windowMs", options.windowMs ?? 10_000, 0, 3_600_000);
  const power = 1 / bounded("slowStart aggression", options.aggression ?? 1, 0.1, 10);
  return (ageMs) => {
    if (ageMs >= windowMs) return 1;
    const share = Math.max(1, ageMs) / windowMs;
    return Math.max(floor, power === 1 ? share : share ** power); // a power costs more than all the rest of a pick
  };
}
