import { alarmAt } from "../base/alarm.ts";
import { backoff } from "../base/backoff.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import { Feed, type FeedSource, type FeedTerms } from "./feed.ts";

/** The least time from the beginning of one round to the next, in milliseconds: an index that flaps asks nobody to death. */
export const roundMsMin = 50;
/** The longest wait for the next try of a registry that does not answer, in milliseconds. */
const retryMsMax = 30_000;

/** After an outage the first try comes within this time for each instance that is known: so many may be watching. */
const spreadMsPerInstance = 20;
const spreadMsMin = 500;
const spreadMsMax = 10_000;

/** What a round is given. */
export interface Round {
  /** These are all instances, as the registry writes them. */
  readonly tell: (written: Iterable<unknown>) => void;
  /** Ends the round: the watch is closed, or somebody wants it asked anew. */
  readonly signal: AbortSignal;
  /** Until the time is over, or the round. */
  readonly pause: (waitMs: number) => Promise<void>;
  readonly env: Env;
}

/**
 * Asks the registry for everything, tells it, and follows what changes, again and again. Returning means that the registry has
 * ended it, as it does for all when it is stopped; throwing, that it does not answer.
 */
export type Follow = (round: Round) => Promise<void>;

/**
 * A watch of a registry that is asked over a network: round after round, each of which begins with everything there is. After a
 * failure the last instances stay, and it is tried again with a back-off. The first wait, also after the registry has ended a round,
 * is spread evenly over a time that grows with the number of instances, so that a registry that comes back is not run down by all at
 * once.
 */
export function watchByRounds(terms: FeedTerms, follow: Follow, closed: () => void): Feed {
  const rounds = new Rounds(terms, follow, closed);
  return rounds.begin();
}

class Rounds implements FeedSource {
  readonly #terms: FeedTerms;
  readonly #follow: Follow;
  readonly #closed: () => void;
  readonly #feed: Feed;
  #round: AbortController = new AbortController();
  /** True until this round has told everything: to ask anew then is to wait for it, and to go on to the next. */
  #asking = false;
  #again = false;
  #failures = 0;
  #wake: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(terms: FeedTerms, follow: Follow, closed: () => void) {
    this.#terms = terms;
    this.#follow = follow;
    this.#closed = closed;
    this.#feed = new Feed(terms, this);
  }

  begin(): Feed {
    this.#running = this.#run();
    return this.#feed;
  }

  refresh(): void {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#round.abort();
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.#round.abort();
    this.#wake?.();
    await this.#running;
    this.#closed();
  }

  async #run(): Promise<void> {
    const { env } = this.#terms;
    while (!this.#feed.closed) {
      const begunAt = env.now();
      const wanted = await this.#once();
      if (this.#feed.closed) return;
      const sinceMs = env.now() - begunAt;
      await this.#wait(Math.max(roundMsMin - sinceMs, wanted ? 0 : this.#retryMs()));
    }
  }

  /** True when somebody wants it asked anew: then there is nothing to wait for. */
  async #once(): Promise<boolean> {
    const { env } = this.#terms;
    this.#round = new AbortController();
    const { signal } = this.#round;
    this.#asking = true;
    this.#again = false;
    const tell = (written: Iterable<unknown>): void => {
      if (signal.aborted) return;
      this.#failures = 0;
      this.#asking = false;
      this.#feed.filled(written);
      if (this.#again) this.#round.abort();
    };
    const pause = (waitMs: number): Promise<void> => this.#wait(waitMs);
    try {
      await this.#follow({ tell, signal, pause, env });
    } catch (error) {
      if (!signal.aborted) {
        this.#feed.unavailable(told(error));
        this.#failures++;
      }
    }
    this.#asking = false;
    return signal.aborted || this.#again;
  }

  #retryMs(): number {
    const { env } = this.#terms;
    const known = this.#feed.current?.instances.length ?? 0;
    const baseMs = Math.min(spreadMsMax, Math.max(spreadMsMin, spreadMsPerInstance * known));
    if (this.#failures < 2) return baseMs * env.random();
    return backoff(this.#failures - 1, { baseMs, capMs: retryMsMax }, () => env.random());
  }

  /** Until the time is over or somebody asks; not at all when there is nothing to wait for. */
  #wait(waitMs: number): Promise<void> {
    if (waitMs <= 0) return Promise.resolve();
    const { env } = this.#terms;
    return new Promise((resolve) => {
      const wake = (): void => {
        env.clear(alarm);
        this.#wake = undefined;
        resolve();
      };
      const alarm: Alarm = alarmAt(env, env.now() + waitMs, wake);
      this.#wake = wake;
    });
  }
}

function told(error: unknown): string {
  if (isTrunklineError(error)) return [error.reason, error.advice ?? []].flat().join("; ");
  return error instanceof Error ? error.message : String(error);
}
