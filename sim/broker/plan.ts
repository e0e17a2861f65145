import type { Overflow } from "../../src/broker/embedded/terms.ts";
import type { Dice } from "../dice.ts";

/** What a message does to whoever consumes it. */
export type Fate = "fine" | "flaky" | "poison" | "rejected" | "later" | "slow";

/** Everything about a run that is decided before it begins. */
export interface Plan {
  readonly publishers: number;
  /** Messages that one publisher has under way at most. */
  readonly inFlight: number;
  readonly consumersEach: number;
  readonly prefetch: number;
  readonly keys: number;
  /** How the queue keeps keys in order: one message of a key at a time, by shards, or not at all. */
  readonly order: "keys" | "shards" | "none";
  readonly shards: number;
  readonly priorityMax: number;
  readonly singleActive: boolean;
  readonly deliveryLimit: number;
  readonly ttlMs: number | undefined;
  readonly lengthMax: number | undefined;
  readonly overflow: Overflow;
  /** Queues that each message goes to. */
  readonly queues: number;
  readonly windowBytesMax: number;
  /** Between two messages of one publisher, on average, in milliseconds. */
  readonly everyMs: number;
  /** How long a batch takes to be safe, in milliseconds. */
  readonly commitMs: number;
  readonly actMs: number;
  /** Between two ends of the process, on average, in milliseconds. Infinity: it never ends. */
  readonly crashEveryMs: number;
  /** Half of the ends are those of the machine's power. */
  readonly power: boolean;
  /** Of the ends, so many are in order. */
  readonly orderly: number;
  /** Of the messages, so many are held back for a while, are not persistent, or expire by themselves. */
  readonly delayed: number;
  readonly transient: number;
  readonly expiring: number;
  readonly fates: readonly (readonly [number, Fate])[];
}

export function drawPlan(dice: Dice): Plan {
  const order = dice.pick(["keys", "shards", "none"] as const);
  const limited = dice.chance(0.2);
  return {
    publishers: dice.between(1, 3),
    inFlight: dice.pick([1, 8, 64]),
    consumersEach: dice.between(1, 3),
    prefetch: dice.pick([1, 3, 20]),
    keys: dice.pick([1, 3, 12]),
    order,
    shards: order === "shards" ? dice.pick([1, 4, 8]) : 0,
    priorityMax: order === "none" && dice.chance(0.3) ? 3 : 0,
    singleActive: dice.chance(0.2),
    deliveryLimit: dice.between(3, 6),
    ttlMs: dice.chance(0.15) ? dice.between(50, 1_000) : undefined,
    lengthMax: limited ? dice.between(5, 50) : undefined,
    overflow: dice.pick(["drop-head", "reject-publish", "reject-publish-dlx"] as const),
    queues: dice.between(1, 2),
    windowBytesMax: dice.pick([1, 1_000, 1_000_000]),
    everyMs: dice.pick([2, 10, 40]),
    commitMs: dice.pick([0, 0.3, 3, 30]),
    actMs: dice.between(1_000, 4_000),
    crashEveryMs: dice.pick([Infinity, 300, 1_000]),
    power: dice.chance(0.5),
    orderly: dice.pick([0, 0.3]),
    delayed: dice.pick([0, 0, 0.1]),
    transient: dice.pick([0, 0, 0.2]),
    expiring: dice.pick([0, 0, 0.1]),
    fates: [
      [20, "fine"],
      [dice.between(0, 4), "flaky"],
      [dice.chance(0.5) ? 1 : 0, "poison"],
      [dice.chance(0.5) ? 1 : 0, "rejected"],
      [dice.chance(0.4) ? 1 : 0, "later"],
      [dice.between(0, 3), "slow"],
    ],
  };
}
