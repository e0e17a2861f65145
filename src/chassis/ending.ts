import { alarmAt } from "../base/alarm.ts";
import type { Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import type { Alarm } from "../base/timer-wheel.ts";

export interface StopBudgets {
  /** How long `ready` is false before new requests are refused, for whoever routes by readiness. Default 0. */
  readonly readiness?: Duration;
  /** How long requests under way may still take. Default 10 s, the default deadline of a call. */
  readonly drain?: Duration;
  /** The same when there is no hurry: `stop({ unhurried: true })`, or the signal that `signals.drain` names. Default 1 h. */
  readonly unhurried?: Duration;
}

export interface StopOptions {
  /** At once, also when it is stopping already. Default false. */
  readonly force?: boolean;
  /**
   * What is under way has all the time that it takes, up to `stop.unhurried`, as with the graceful stop of nginx (QUIT) and the soft stop of
   * HAProxy (USR1). Whoever asks again without it gives what is left `stop.drain`. Default false.
   */
  readonly unhurried?: boolean;
}

/** What stopping came to. */
export interface Stopped {
  /** Requests that were still under way when the time was over; their callers see `executed: "maybe"`. */
  readonly cut: number;
  /** A second signal, or `stop({ force: true })`, ended it before its time. */
  readonly forced: boolean;
}

/** How long the phases of stopping may take, in milliseconds. */
export interface Budgets {
  readonly readinessMs: number;
  readonly drainMs: number;
  readonly unhurriedMs: number;
}

/** What is brought to an end. */
export interface Endable {
  /** Nobody is to come any more. */
  readonly begin: () => void;
  /** Lets what is under way end within so many milliseconds; resolves with what was cut. Called again it is for less. */
  readonly drain: (withinMs: number) => Promise<number>;
  /** Lets go of all else, within so many milliseconds where that takes a time. */
  readonly finish: (cut: number, withinMs: number) => Promise<void>;
}

/** The end of a process that serves: readiness, drain, close, each within its time, which may become shorter. */
export class Ending {
  readonly stopped: Promise<Stopped>;
  readonly #of: Endable;
  readonly #budgets: Budgets;
  readonly #env: Env;
  readonly #resolve: (stopped: Stopped) => void;
  #begun = false;
  #forced = false;
  #unhurried = false;
  /** Ends the phase in which only readiness is told. */
  #hurry: (() => void) | undefined;
  /** When whoever had all the time has to be done after all. */
  #last: Alarm | undefined;

  constructor(of: Endable, budgets: Budgets, env: Env) {
    this.#of = of;
    this.#budgets = budgets;
    this.#env = env;
    const { promise, resolve } = Promise.withResolvers<Stopped>();
    this.stopped = promise;
    this.#resolve = resolve;
  }

  stop({ force = false, unhurried = false }: StopOptions): Promise<Stopped> {
    if (force && !this.#forced) {
      this.#forced = true;
      this.#hurry?.();
      if (this.#begun) void this.#of.drain(0);
    } else if (this.#unhurried && !unhurried) this.#hasten();
    if (!this.#begun) {
      this.#begun = true;
      this.#unhurried = unhurried;
      this.#of.begin();
      void this.#run();
    }
    return this.stopped;
  }

  #hasten(): void {
    this.#unhurried = false;
    const { drainMs } = this.#budgets;
    this.#last = alarmAt(this.#env, this.#env.now() + drainMs, () => void this.#of.drain(0));
  }

  async #run(): Promise<void> {
    const { readinessMs } = this.#budgets;
    if (readinessMs > 0 && !this.#forced) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const alarm = alarmAt(this.#env, this.#env.now() + readinessMs, resolve);
      this.#hurry = resolve;
      await promise;
      this.#env.clear(alarm);
    }
    const { drainMs, unhurriedMs } = this.#budgets;
    const within = (ms: number): number => (this.#forced ? 0 : ms);
    const cut = await this.#of.drain(within(this.#unhurried ? unhurriedMs : drainMs));
    // What is left is not the work of anybody who has been promised time.
    this.#unhurried = false;
    if (this.#last !== undefined) this.#env.clear(this.#last);
    await this.#of.finish(cut, within(drainMs));
    this.#resolve({ cut, forced: this.#forced });
  }
}
