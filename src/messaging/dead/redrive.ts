import { sleep } from "../../base/alarm.ts";
import { milliseconds, type Duration } from "../../base/duration.ts";
import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Broker } from "../../broker/broker.ts";
import { channelNameOf, lookAt, type ChannelChoice } from "./dead-letter.ts";
import { RedriveRun, type Fate } from "./redrive-run.ts";
import { letterIn, messagesIn, sequencesIn, type LetterFilter } from "./sequence.ts";

/** Which dead letters go back, and how fast. */
export interface RedriveTerms {
  /** Which are meant. Default all. */
  readonly where?: LetterFilter;
  /** How many go at most; of a blocked key the first ones. Default 10,000, which is as many as there may be. */
  readonly limit?: number;
  /** How many go in a second at most. Default: as many as consumers handle. */
  readonly perSecond?: number;
  /** How long to wait until the consumer of a blocked key has handled its message, before the next one of it goes. Default 30 s. */
  readonly within?: Duration;
  /** Says what would go, and sends nothing. Default false. */
  readonly dryRun?: boolean;
  /** Who does that, for the record. Default `redrive`. */
  readonly by?: string;
  /** Sends no more when it aborts; what has gone has gone. */
  readonly signal?: AbortSignal;
}

/** What became of a dead letter in a redrive. */
export interface RedriveLetter {
  readonly id: string;
  readonly key: string | undefined;
  /**
   * `handled`: its consumer says so; `redriven`: it went back, and no order is asked, so that nobody waits for more; `buried`: it was given up
   * again; `unanswered`: it went back, and nobody said in time what became of it: its letter stays; `refused`: it could not be sent, and stays;
   * `planned`: it would go (dry run).
   */
  readonly fate: Fate | "planned";
  readonly reason?: string | undefined;
}

/** The record of a redrive. */
export interface RedriveReport {
  readonly channel: string;
  readonly group: string | undefined;
  readonly by: string;
  /** When it began and ended, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly dryRun: boolean;
  /** Dead letters that were there, and those of them that were meant. */
  readonly found: number;
  readonly meant: number;
  /** By what became of them. */
  readonly counts: Readonly<Record<RedriveLetter["fate"], number>>;
  readonly letters: readonly RedriveLetter[];
  /** What stood there and is no dead letter of this group: it stays. */
  readonly foreign: number;
  /** Every letter that was meant is handled, or has gone back where no order is asked. */
  readonly complete: boolean;
}

/** Letters that one redrive takes into its hands at most. */
const lettersMax = 10_000;
/**
 * Where nothing can be replayed, a look takes messages and gives them back: who looks at that time sees none, and looks again after so
 * many milliseconds before he says that there is nothing to do.
 */
const againMs = 500;

/**
 * Sends dead letters back to the consumer that has given them up, never to other groups, under the id that they have always had, with
 * attempts that begin anew: `await redrive(broker, Orders.placed, "billing")`. Those of a blocked key go one after the other, each
 * when the one before it is handled, and the key is free after the last one; messages of it that arrive meanwhile follow. A letter is taken
 * away only when its message is safe: whatever dies in between, nothing is lost, and at most something is done twice.
 *
 * @throws TrunklineError UNIMPLEMENTED where the broker cannot show what waits; its other errors as they are.
 */
export async function redrive(
  broker: Broker,
  channel: ChannelChoice,
  group?: string,
  terms: RedriveTerms = {},
  env: Env = realEnv(),
): Promise<RedriveReport> {
  const { where = {}, dryRun = false, by = "redrive" } = terms;
  const limit = bounded("limit", terms.limit ?? lettersMax, lettersMax);
  if (terms.perSecond !== undefined) bounded("perSecond", terms.perSecond, 1_000_000);
  const name = channelNameOf(channel);
  const from = env.wall();
  let { envelopes } = await lookAt(broker, name, group, lettersMax);
  if (envelopes.length === 0 && !broker.capabilities.replay) {
    await sleep(env, againMs);
    ({ envelopes } = await lookAt(broker, name, group, lettersMax));
  }
  const found = envelopes.flatMap((each) => letterIn(each, name, group) ?? []);
  const meant = messagesIn(sequencesIn(found, where).flat());
  const letters: RedriveLetter[] = [];
  const tell = (letter: RedriveLetter): void => {
    letters.push(letter);
    if (letter.fate === "planned" || !channels.deadLetter.hasSubscribers) return;
    const { id, key, fate } = letter;
    const place = { channel: name, group: group ?? "" };
    channels.deadLetter.publish({ ...place, what: "redriven", id, key, by, reason: fate });
  };
  if (dryRun)
    for (const { envelope } of meant.slice(0, limit))
      tell({ id: envelope.id, key: envelope.subject, fate: "planned" });
  else if (meant.length > 0) {
    const { perSecond, signal } = terms;
    const withinMs = milliseconds(terms.within ?? "30s");
    const run = new RedriveRun(
      { ...{ broker, name, group, where, by, limit, perSecond, withinMs, signal, env }, tell },
      { expected: envelopes.length, lettersMax },
    );
    await run.run();
  }
  const counts = { handled: 0, redriven: 0, buried: 0, unanswered: 0, refused: 0, planned: 0 };
  for (const { fate } of letters) counts[fate]++;
  const done = counts.handled + counts.redriven;
  const report: RedriveReport = {
    ...{ channel: name, group, by, from, to: env.wall(), dryRun },
    ...{ found: found.length, meant: meant.length, counts, letters },
    foreign: envelopes.length - found.length,
    complete: !dryRun && done === letters.length && letters.length >= Math.min(meant.length, limit),
  };
  if (!dryRun && channels.deadLetter.hasSubscribers)
    channels.deadLetter.publish({
      ...{ channel: name, group: group ?? "", what: "redrive", by },
      reason: JSON.stringify({ where, meant: meant.length, counts }),
    });
  return report;
}

function bounded(what: string, value: number, most: number): number {
  if (value > 0 && value <= most) return value;
  throw systemError("INVALID_ARGUMENT", `${what} is a number up to ${most}, not ${value}`, {
    executed: "no",
  });
}
