import { milliseconds, type Duration } from "../../base/duration.ts";
import { systemError } from "../../base/error.ts";

/** How a relay publishes what is in an outbox. */
export interface RelayOptions {
  /** Rows read at once, and published as one batch. 1 to 10,000. Default 500. */
  readonly batch?: number;
  /** Batches under way at once, of different lanes. 1 to 32. Default 4. */
  readonly concurrency?: number;
  /** A relay that is not heard of for so long has lost its lanes to the others. 1 s to 10 min. Default 10 s. */
  readonly lease?: Duration;
  /** With nothing to do it looks again after this long, at first after a hundredth of it. 10 ms to 1 min. Default 1 s. */
  readonly poll?: Duration;
  /** How often a message may be refused for good reason (too large, invalid, nobody there where somebody must be) before it is given up. Default 8. */
  readonly refusalsMax?: number;
  /**
   * What then becomes of it and of those behind it. `park-key`: it goes to the dead rows, and the later ones of its key follow it until
   * they are redriven together; `skip`: it alone goes there; `block`: it stays, and its lane stands still until somebody has mended
   * what is wrong. What has no key is skipped, unless `block`. Default `park-key`.
   */
  readonly refused?: RefusedPolicy;
}

export type RefusedPolicy = "park-key" | "skip" | "block";

/** The same with what was not said filled in. */
export interface RelayTerms {
  readonly batch: number;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly refusalsMax: number;
  readonly refused: RefusedPolicy;
}

/** @throws TrunklineError INVALID_ARGUMENT for what cannot be meant. */
export function relayTerms(given: RelayOptions): RelayTerms {
  const { batch = 500, concurrency = 4, refusalsMax = 8, refused = "park-key" } = given;
  const leaseMs = milliseconds(given.lease ?? "10s");
  const pollMs = milliseconds(given.poll ?? "1s");
  for (const [name, value, least, most] of [
    ["batch", batch, 1, 10_000],
    ["concurrency", concurrency, 1, 32],
    ["lease", leaseMs, 1_000, 600_000],
    ["poll", pollMs, 10, 60_000],
    ["refusalsMax", refusalsMax, 1, 1_000],
  ] as const) {
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw systemError(
      "INVALID_ARGUMENT",
      `${name} of a relay is from ${least} to ${most}, not ${value}`,
      { executed: "no" },
    );
  }
  return { batch, concurrency, leaseMs, pollMs, refusalsMax, refused };
}
