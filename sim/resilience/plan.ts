import type { Dice } from "../dice.ts";

/** Classes of faults. Each run leaves out some of them. */
const faultNames = [
  "crash",
  "hostCrash",
  "roll",
  "pause",
  "callerPause",
  "cut",
  "silence",
  "partition",
  "refusedDials",
  "slow",
  "failing",
  "registryEmpty",
  "registrySilent",
  "registryForgets",
] as const;

export type FaultName = (typeof faultNames)[number];

/** Everything about a run that is decided before it begins. */
export interface Plan {
  readonly replicas: number;
  readonly callers: number;
  /** Between two calls of one caller, on average, in milliseconds. */
  readonly everyMs: number;
  readonly deadlineMs: number;
  readonly workMs: number;
  readonly latency: { readonly minMs: number; readonly meanMs: number };
  readonly actMs: number;
  readonly faultEveryMs: number;
  readonly faults: ReadonlySet<FaultName>;
  /** The terms of the clients. */
  readonly hedge: boolean;
  readonly attemptTimeoutMs: number | undefined;
  /** The longest that the server lets requests wait; undefined: as it comes. */
  readonly admission: boolean;
}

export function drawPlan(dice: Dice): Plan {
  const meanMs = dice.pick([0, 0.5, 5]);
  const faults = dice.weighted<readonly FaultName[]>([
    [1, []],
    [1, ["crash"]],
    [1, ["pause"]],
    [1, ["registryEmpty", "registrySilent", "registryForgets", "crash"]],
    [8, faultNames.filter(() => dice.chance(0.35))],
  ]);
  const deadlineMs = dice.pick([300, 1_000, 3_000]);
  return {
    replicas: dice.between(1, 5),
    callers: dice.between(1, 3),
    everyMs: dice.pick([5, 20, 100]),
    deadlineMs,
    workMs: dice.pick([0, 1, 20]),
    latency: { minMs: meanMs / 4, meanMs },
    actMs: dice.between(5_000, 15_000),
    faultEveryMs: dice.pick([300, 1_000, 3_000]),
    faults: new Set(faults),
    hedge: dice.chance(0.3),
    attemptTimeoutMs: dice.chance(0.3) ? deadlineMs / 3 : undefined,
    admission: dice.chance(0.7),
  };
}

/** The longest that a fault lasts, in milliseconds. */
export const faultMsMax = 8_000;
