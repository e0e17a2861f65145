import type { Dice } from "./dice.ts";

/** How late an alarm may ring, in milliseconds. */
export const tickMs = 4;

/** Classes of faults. Each run leaves out some of them: what all together hide, some alone may show. */
export const faultNames = [
  "cut",
  "silence",
  "partition",
  "asymmetric",
  "slowReader",
  "refusedDials",
  "slowDials",
  "crash",
  "hostCrash",
  "restart",
  "serverPause",
  "clientPause",
  "clientCrash",
] as const;

export type FaultName = (typeof faultNames)[number];

/** What callers and handlers do beside the usual. */
export const habitNames = [
  "cancels",
  "leaves",
  "tightDeadlines",
  "deafHandlers",
  "failures",
  "hops",
  "largeItems",
  "fewInFlight",
  "fewOutstanding",
  "closes",
  "interceptors",
  "narrowItems",
  "smallFrames",
  "doorkeepers",
  "transfers",
  "callbacks",
  "unchecked",
] as const;

export type HabitName = (typeof habitNames)[number];

/** Everything about a run that is decided before it begins. */
export interface Plan {
  readonly clients: number;
  readonly servers: number;
  readonly latency: { readonly minMs: number; readonly meanMs: number };
  /** How long the first phase is, in which work begins and faults happen. */
  readonly actMs: number;
  /** The mean time between two operations of one client. */
  readonly workEveryMs: number;
  /** The mean time between two faults. */
  readonly faultEveryMs: number;
  readonly faults: ReadonlySet<FaultName>;
  readonly habits: ReadonlySet<HabitName>;
  readonly keepaliveMs: number;
  readonly lifetimeMs: number;
  readonly connectWaitMs: number;
  readonly deadlineMs: number;
  readonly outstandingMax: number;
  readonly inFlightMax: number;
  /** The largest input or item, each way. */
  readonly itemBytesMax: number;
  /** The largest frame of the network. */
  readonly frameBytesMax: number;
  readonly drainMs: number;
}

export function drawPlan(dice: Dice): Plan {
  const faults = dice.weighted<readonly FaultName[]>([
    [2, []],
    [2, ["restart"]],
    [6, faultNames.filter(() => dice.chance(0.35))],
  ]);
  const habits = new Set(habitNames.filter(() => dice.chance(0.6)));
  const keepaliveMs = dice.between(300, 1_000);
  const meanMs = dice.pick([0, 0.5, 2, 10, 30]);
  return {
    clients: dice.between(1, 3),
    servers: dice.between(1, 3),
    latency: { minMs: meanMs / 4, meanMs },
    actMs: dice.between(2_000, 5_000),
    // What sends items is many times as much work.
    workEveryMs: dice.pick([20, 60, 150]) * (habits.has("transfers") ? 2 : 1),
    faultEveryMs: dice.pick([100, 300, 1_000]),
    faults: new Set(faults),
    habits,
    keepaliveMs,
    lifetimeMs: 3 * keepaliveMs,
    connectWaitMs: dice.pick([50, 300, 2_000]),
    deadlineMs: dice.pick([300, 1_000, 4_000]),
    outstandingMax: habits.has("fewOutstanding") ? dice.between(1, 6) : 4_096,
    inFlightMax: habits.has("fewInFlight") ? dice.between(1, 6) : 4_096,
    frameBytesMax: habits.has("smallFrames") ? 8 * 1024 : 0xff_ffff,
    itemBytesMax: habits.has("narrowItems") ? 30_000 : 4 * 1024 * 1024,
    drainMs: dice.pick([0, 100, 3_000, 3_000]),
  };
}

/** True when nothing comes between caller and handler: then everything must be prompt. */
export function isCalm({ faults }: Plan): boolean {
  return faults.size === 0;
}
