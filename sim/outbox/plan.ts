import type { Dice } from "../dice.ts";

/** Classes of faults. Each run leaves out some of them. */
const faultNames = [
  /** kill -9 of a process, and SIGSTOP. */
  "crash",
  "pause",
  "roll",
  /** The database ends and comes back; or another one takes over that knows less. */
  "databaseCrash",
  "failover",
  /** A statement or its answer is lost with its connection. */
  "databaseLost",
  /** Of the broker, as the messaging suite has them. */
  "publishLost",
  "receiptLost",
  "ackLost",
  "ackRefused",
  /** Only the first part of a batch reaches the broker. */
  "batchCut",
  "slow",
] as const;

export type FaultName = (typeof faultNames)[number];

/** What becomes of a message on its way. `refused`: it is larger than what the broker takes, until somebody has mended that. */
export type Fate = "fine" | "refused";

/** Everything about a run that is decided before it begins. */
export interface Plan {
  readonly writers: number;
  readonly relays: number;
  readonly consumers: number;
  readonly keys: number;
  readonly shards: number;
  readonly batch: number;
  readonly passes: number;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly refused: "park-key" | "skip";
  /** Between two transactions of one writer, on average, in milliseconds. */
  readonly everyMs: number;
  /** How long a transaction of a user stays open, on average; some much longer. */
  readonly thinkMs: number;
  /** Of all transactions: those that the user's client begins and commits, and those that are rolled back. */
  readonly adoptedShare: number;
  readonly rollbackShare: number;
  readonly longShare: number;
  readonly refusedShare: number;
  readonly latencyMs: number;
  readonly actMs: number;
  readonly faultEveryMs: number;
  readonly faults: ReadonlySet<FaultName>;
}

export function drawPlan(dice: Dice): Plan {
  const faults = dice.weighted<readonly FaultName[]>([
    [1, []],
    [1, ["crash"]],
    [1, ["databaseCrash", "databaseLost"]],
    [1, ["pause", "receiptLost"]],
    [8, faultNames.filter(() => dice.chance(0.4))],
  ]);
  const refusing = dice.chance(0.3);
  return {
    writers: dice.between(1, 4),
    relays: dice.between(1, 3),
    consumers: dice.between(1, 3),
    keys: dice.pick([1, 3, 12]),
    shards: dice.pick([1, 4]),
    batch: dice.pick([2, 10, 100]),
    passes: dice.pick([1, 2, 4]),
    concurrency: dice.pick([1, 4]),
    leaseMs: dice.pick([1_000, 3_000]),
    refused: dice.pick(["park-key", "skip"]),
    everyMs: dice.pick([10, 30, 100]),
    thinkMs: dice.pick([1, 10]),
    adoptedShare: dice.pick([0, 0.3]),
    rollbackShare: 0.1,
    longShare: dice.pick([0, 0.05]),
    refusedShare: refusing ? 0.01 : 0,
    latencyMs: dice.pick([0.2, 1, 5]),
    actMs: dice.between(2_000, 8_000),
    faultEveryMs: dice.pick([200, 800, 2_000]),
    faults: new Set(faults),
  };
}
