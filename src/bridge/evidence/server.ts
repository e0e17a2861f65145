import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Handlers } from "../../call/handlers-type.ts";
import {
  evidenceTextMax,
  exchangeDebounceMs,
  followersMax,
  observationsMax,
  opinionTtlMs,
} from "./bounds.ts";
import type { EvidenceExchange, Opinions } from "./contract.ts";
import { ExchangeBoard } from "./exchange-board.ts";

/** After so long without a change who follows hears everything again, in milliseconds. */
const againMs = 60_000;

/** The exchange as a process has it: a board, and those who follow it. */
export class ExchangeServer {
  readonly handlers: Handlers<typeof EvidenceExchange>;
  readonly #board = new ExchangeBoard();
  readonly #env: Env;
  readonly #waiting = new Set<() => void>();
  #changes = 0;
  #followers = 0;
  #sweep: Alarm | undefined;
  #closed = false;

  constructor(env: Env) {
    this.#env = env;
    const board = this.#board;
    this.handlers = {
      report: ({ host, process, observations }, { refuse }) => {
        const names = observations.flatMap(({ service, endpoint }) => [service, endpoint]);
        if (observations.length > observationsMax || !sound([host, process, ...names]))
          throw refuse("INVALID_ARGUMENT", unsound);
        const now = env.now();
        let changed = false;
        for (const each of observations)
          changed = board.report({ host, process }, each, now) || changed;
        if (changed) this.#happened();
      },
      probe: ({ host, process, service, endpoint }, { refuse }) => {
        if (!sound([host, process, service, endpoint])) throw refuse("INVALID_ARGUMENT", unsound);
        const forMs = board.probe({ host, process }, { service, endpoint }, env.now());
        return { granted: forMs > 0, forMs };
      },
      follow: (_, { signal, refuse }) => {
        if (this.#followers >= followersMax)
          throw refuse("RESOURCE_EXHAUSTED", `${followersMax} processes follow already`);
        return this.#follow(signal);
      },
    };
  }

  /** Ends all that is followed. */
  close(): void {
    this.#closed = true;
    if (this.#sweep !== undefined) this.#env.clear(this.#sweep);
    for (const wake of [...this.#waiting]) wake();
  }

  async *#follow(signal: AbortSignal): AsyncGenerator<Opinions, void> {
    this.#followers++;
    try {
      let told = -1;
      let toldAt = -Infinity;
      while (!signal.aborted && !this.#closed) {
        const now = this.#env.now();
        const news = told !== this.#changes;
        const dueAt = toldAt + (news ? exchangeDebounceMs : againMs);
        if (now >= dueAt) {
          told = this.#changes;
          toldAt = now;
          yield { opinions: this.#board.opinions(now) };
        } else await this.#change(news, dueAt, signal);
      }
    } finally {
      this.#followers--;
    }
  }

  /** Until something changes, unless `known` says that it has, or the instant comes, or nobody follows any more. */
  #change(known: boolean, dueAt: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        this.#env.clear(alarm);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const alarm = alarmAt(this.#env, dueAt, wake);
      signal.addEventListener("abort", wake, { once: true });
      if (!known) this.#waiting.add(wake);
    });
  }

  #happened(): void {
    this.#changes++;
    for (const wake of [...this.#waiting]) wake();
    if (this.#sweep !== undefined || this.#closed || this.#board.size === 0) return;
    this.#sweep = alarmAt(this.#env, this.#env.now() + opinionTtlMs, () => {
      this.#sweep = undefined;
      this.#board.advance(this.#env.now());
      if (this.#board.size > 0) this.#happened();
    });
  }
}

const unsound = `a report has at most ${observationsMax} observations, and names of 1 to ${evidenceTextMax} characters`;

function sound(names: readonly string[]): boolean {
  return names.every((each) => each !== "" && each.length <= evidenceTextMax);
}
