import { milliseconds } from "../base/duration.ts";
import { systemError } from "../base/error.ts";
import type { StartAt } from "../broker/broker.ts";
import type { DistributionStats } from "./hot-keys/distribution.ts";
import { letterTerms, type LetterTerms } from "./dead/letter-terms.ts";
import type { Counts } from "./tally.ts";
import type { MessageFilter } from "./message-filter.ts";
import type { ConsumeTerms } from "./on.ts";
import { retryPolicy, type RetryPolicy } from "./retry.ts";

/** The terms of a consumer with what was not said filled in. */
export interface ConsumerTerms {
  readonly concurrency: number;
  readonly prefetch: number;
  readonly withinMs: number;
  readonly retry: RetryPolicy;
  readonly remembered: number;
  readonly dead: NonNullable<ConsumeTerms["dead"]>;
  readonly letters: LetterTerms;
  readonly from: StartAt;
  readonly filter: MessageFilter | undefined;
}

/** What became of the messages of one consumer since it began. */
export interface ConsumerStats extends Counts {
  readonly operation: string;
  readonly channel: string;
  readonly group: string;
  /** Attempts under way. */
  readonly running: number;
  /** Messages fetched that wait for their turn, their next attempt, or their ack. */
  readonly waiting: number;
  /** Keys that wait for a redrive. */
  readonly blockedKeys: number;
  readonly shards: readonly string[];
  /** The database in whose transactions it handles them, without credentials; undefined: in none. */
  readonly transactional?: string | undefined;
  /** Of messages that say which of their key they are: gaps before one, and such as came after a later one. Undefined: it keeps no such books. */
  readonly gaps?: number | undefined;
  readonly reorderings?: number | undefined;
  /** How evenly its messages are spread over shards and keys, and how much of its time it had nothing to do. */
  readonly distribution: DistributionStats;
}

const concurrencyMax = 10_000;
const prefetchMax = 65_535; // AMQP 0-9-1 has 16 bits for it
const rememberedMax = 10_000_000;

/** Reads the terms. @throws TrunklineError INVALID_ARGUMENT for what cannot be meant. */
export function consumerTerms(
  given: Omit<ConsumeTerms, "group" | "where" | "store" | "consumer">,
  filter: MessageFilter | undefined,
  ordered: boolean,
): ConsumerTerms {
  const { concurrency = 16, remembered = 100_000 } = given;
  const { prefetch = Math.min(prefetchMax, concurrency * 4) } = given;
  for (const [name, value, least, most] of [
    ["concurrency", concurrency, 1, concurrencyMax],
    ["prefetch", prefetch, 1, prefetchMax],
    ["remembered", remembered, 0, rememberedMax],
  ] as const) {
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw systemError(
      "INVALID_ARGUMENT",
      `${name} is a number from ${least} to ${most}, not ${value}`,
      { executed: "no" },
    );
  }
  const dead = given.dead ?? (ordered ? "park-key" : "park-message");
  return {
    concurrency,
    prefetch,
    withinMs: milliseconds(given.within ?? "30s"),
    retry: retryPolicy(given.retry),
    remembered,
    dead,
    letters: letterTerms(given.letters, dead),
    from: given.from ?? "new",
    filter,
  };
}
