import type { Dice } from "../dice.ts";

/** Classes of faults. Each run leaves out some of them. */
const faultNames = [
  "crash",
  "pause",
  "roll",
  "ackLost",
  "ackRefused",
  "receiptLost",
  "publishLost",
  "slow",
] as const;

export type FaultName = (typeof faultNames)[number];

/** What a message does to its handler. */
export const fates = ["fine", "flaky", "poison", "rejected", "later", "slow", "deadly"] as const;

export type Fate = (typeof fates)[number];

/** Everything about a run that is decided before it begins. */
export interface Plan {
  readonly publishers: number;
  readonly groups: number;
  readonly consumersEach: number;
  readonly keys: number;
  readonly shards: number;
  readonly concurrency: number;
  readonly prefetch: number;
  readonly ordered: boolean;
  readonly dead: "park-key" | "park-message";
  /** Between two messages of one publisher, on average, in milliseconds. */
  readonly everyMs: number;
  readonly latencyMs: number;
  readonly actMs: number;
  readonly faultEveryMs: number;
  readonly faults: ReadonlySet<FaultName>;
  readonly fates: readonly (readonly [number, Fate])[];
}

export function drawPlan(dice: Dice): Plan {
  const faults = dice.weighted<readonly FaultName[]>([
    [1, []],
    [1, ["crash"]],
    [1, ["pause"]],
    [8, faultNames.filter(() => dice.chance(0.4))],
  ]);
  const ordered = dice.chance(0.75);
  const concurrency = dice.pick([1, 4, 16]);
  return {
    publishers: dice.between(1, 3),
    groups: dice.between(1, 2),
    consumersEach: dice.between(1, 3),
    keys: dice.pick([1, 3, 12]),
    shards: dice.pick([1, 4, 8]),
    concurrency,
    prefetch: concurrency * dice.between(1, 4),
    ordered,
    dead: ordered && dice.chance(0.7) ? "park-key" : "park-message",
    everyMs: dice.pick([10, 30, 100]),
    latencyMs: dice.pick([0, 0.5, 5]),
    actMs: dice.between(3_000, 10_000),
    faultEveryMs: dice.pick([300, 1_000, 3_000]),
    faults: new Set(faults),
    fates: [
      [30, "fine"],
      [dice.between(0, 4), "flaky"],
      [dice.chance(0.5) ? 1 : 0, "poison"],
      [dice.chance(0.3) ? 1 : 0, "rejected"],
      [dice.chance(0.3) ? 1 : 0, "later"],
      [dice.between(0, 3), "slow"],
      [dice.chance(0.3) && faults.includes("crash") ? 0.3 : 0, "deadly"],
    ],
  };
}
