import type { Dice } from "../dice.ts";

/** Classes of faults. Each run leaves out some of them. */
export const faultNames = [
  "cut",
  "silence",
  "partition",
  "asymmetric",
  "refusedDials",
  "registryCrash",
  "registryHostCrash",
  "registryRestart",
  "registryWiped",
  "registryPause",
  "serviceCrash",
  "serviceRestart",
  "servicePause",
  "watcherPause",
  "watcherCrash",
  "update",
] as const;

export type FaultName = (typeof faultNames)[number];

/** Everything about a run that is decided before it begins. */
export interface Plan {
  /** The second one stands in for the first. */
  readonly registries: number;
  readonly services: number;
  readonly watchers: number;
  readonly ttlMs: number;
  /** Registries keep on a disk what they know. */
  readonly disk: boolean;
  readonly latency: { readonly minMs: number; readonly meanMs: number };
  readonly actMs: number;
  readonly faultEveryMs: number;
  readonly faults: ReadonlySet<FaultName>;
}

export function drawPlan(dice: Dice): Plan {
  const meanMs = dice.pick([0, 1, 10, 50]);
  const faults = dice.weighted<readonly FaultName[]>([
    [1, []],
    [1, ["serviceCrash", "serviceRestart"]],
    [1, ["registryCrash", "registryRestart"]],
    [1, ["registryWiped", "serviceCrash"]],
    [8, faultNames.filter(() => dice.chance(0.35))],
  ]);
  return {
    registries: dice.weighted([
      [3, 1],
      [1, 2],
    ]),
    services: dice.between(1, 6),
    watchers: dice.between(1, 3),
    ttlMs: dice.pick([2_000, 5_000, 10_000]),
    disk: dice.chance(0.6),
    latency: { minMs: meanMs / 4, meanMs },
    actMs: dice.between(10_000, 60_000),
    faultEveryMs: dice.pick([500, 2_000, 6_000]),
    faults: new Set(faults),
  };
}

/** The longest that a fault lasts, in milliseconds. */
export const faultMsMax = 20_000;
