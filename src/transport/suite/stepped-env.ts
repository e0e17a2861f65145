import type { Env } from "../../base/env.ts";
import { seededRandom } from "../../base/random.ts";
import { TimerWheel, type Alarm } from "../../base/timer-wheel.ts";

/** Surroundings for tests that go on only when told to: time stands still while anything is left to do. */
export class SteppedEnv implements Env {
  readonly random: () => number = seededRandom(1);
  readonly #wheel: TimerWheel;
  #now = 0;
  #deferred: (() => void)[] = [];
  #yielded: (() => void)[] = [];
  #wake: { at: number; run: () => void } | undefined;

  constructor() {
    this.#wheel = new TimerWheel({
      now: () => this.#now,
      wake: (delayMs, run) => (this.#wake = { at: this.#now + delayMs, run }),
      sleep: () => (this.#wake = undefined),
    });
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  set(alarm: Alarm, dueMs: number): void {
    this.#wheel.set(alarm, dueMs);
  }

  clear(alarm: Alarm): void {
    this.#wheel.clear(alarm);
  }

  defer(work: () => void): void {
    this.#deferred.push(work);
  }

  yield(work: () => void): void {
    this.#yielded.push(work);
  }

  get alarms(): number {
    return this.#wheel.size;
  }

  /** Ends the current turn, then has one more; or, when nobody wanted one, the next alarm. False: nothing was to do. */
  step(): boolean {
    if (this.#finishTurn()) return true;
    const turn = this.#yielded;
    this.#yielded = [];
    for (const work of turn) {
      work();
      this.#finishTurn();
    }
    if (turn.length > 0) return true;
    const wake = this.#wake;
    if (wake === undefined || this.alarms === 0) return false;
    this.#wake = undefined;
    this.#now = Math.max(this.#now, wake.at);
    wake.run();
    return true;
  }

  #finishTurn(): boolean {
    let any = false;
    for (let work = this.#deferred.shift(); work !== undefined; work = this.#deferred.shift()) {
      work();
      any = true;
    }
    return any;
  }
}
