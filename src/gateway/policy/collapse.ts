import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import type { Attempt } from "../../protocol/attempt.ts";

/** Calls under way that others may join; past it each goes alone. */
const flightsMaxDefault = 10_000;

/** Those that wait for the answer of one call; past it each goes alone. */
const followersMaxDefault = 10_000;

interface Flight {
  readonly answer: Promise<unknown>;
  followers: number;
}

/** What the end of the one that was sent says of its sender, and not of what was asked. */
const ownEnds: ReadonlySet<string> = new Set(["CANCELLED", "DEADLINE_EXCEEDED"]);

/**
 * One call for all who ask the same at the same time. Who joins keeps a deadline of its own, and may give up without harm to the
 * others; when the one that was sent is given up by its sender, another one is sent for those who still wait.
 */
export class Collapsing {
  readonly #flights = new Map<string, Flight>();
  readonly #flightsMax: number;
  readonly #followersMax: number;
  readonly #env: Env;
  /** Requests that were answered by another one's call. */
  joined = 0;

  constructor(
    env: Env,
    flightsMax: number = flightsMaxDefault,
    followersMax: number = followersMaxDefault,
  ) {
    this.#env = env;
    this.#flightsMax = flightsMax;
    this.#followersMax = followersMax;
  }

  async run(key: string, attempt: Attempt, send: () => Promise<unknown>): Promise<unknown> {
    for (;;) {
      const flight = this.#flights.get(key);
      if (flight === undefined) return this.#lead(key, send);
      if (flight.followers >= this.#followersMax) return send();
      flight.followers++;
      try {
        const answer = await this.#follow(flight, attempt);
        this.joined++;
        return answer;
      } catch (failure) {
        if (!isTrunklineError(failure) || !ownEnds.has(failure.code)) throw failure;
        if (attempt.cancelled !== undefined || this.#env.now() >= attempt.deadlineAt) throw failure;
        // Its sender's end is not ours: ask again, together with whoever asks by now.
      } finally {
        flight.followers--;
      }
    }
  }

  #lead(key: string, send: () => Promise<unknown>): Promise<unknown> {
    const answer = send();
    if (this.#flights.size >= this.#flightsMax) return answer;
    this.#flights.set(key, { answer, followers: 0 });
    const landed = (): void => void this.#flights.delete(key);
    answer.then(landed, landed);
    return answer;
  }

  /** Settles as the flight does, or earlier when this one is given up or its time is over. Nothing of it ran. */
  #follow({ answer }: Flight, attempt: Attempt): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const over = (code: "CANCELLED" | "DEADLINE_EXCEEDED", reason: string): void =>
        reject(systemError(code, reason, { executed: "maybe" }));
      const alarm = alarmAt(this.#env, attempt.deadlineAt, () =>
        over("DEADLINE_EXCEEDED", "the same question of somebody else was not answered in time"),
      );
      attempt.bind({
        cancel: (reason) =>
          reason === "deadline"
            ? over("DEADLINE_EXCEEDED", "its time was over")
            : over("CANCELLED", "the caller gave up"),
      });
      const settled = <T>(act: (value: T) => void) => {
        return (value: T): void => {
          this.#env.clear(alarm);
          act(value);
        };
      };
      answer.then(settled(resolve), settled(reject));
    });
  }
}
