import type { Env, HostClock } from "./env.ts";
import { Pulse, stallMs } from "./pulse.ts";
import { seededRandom } from "./random.ts";
import { TimerWheel, type Alarm } from "./timer-wheel.ts";

/** Turns of the event loop in which nothing happens before time goes on. */
const quietTurns = 3;

/** What `wall()` says at the start: 2026-01-01. */
const epochMs = 1_767_225_600_000;

/**
 * Surroundings whose time stands still while anything can happen, and then goes on to the next alarm at once: a wait of
 * hours takes no time. For one process without sockets; the simulator has worlds of many nodes.
 */
export class VirtualEnv implements Env {
  readonly random: () => number;
  readonly hostClock: HostClock | undefined;
  readonly pulse: Pulse = new Pulse(this);
  #now = 0;
  readonly #wheel: TimerWheel;
  #wake: (() => void) | undefined;
  #wakeAt = Infinity;
  #flowing = false;
  #quiet = 0;

  /** `hostClock`: that of the host it is said to be on. */
  constructor(seed: number = 1, hostClock?: HostClock) {
    this.hostClock = hostClock;
    this.random = seededRandom(seed, "env");
    this.#wheel = new TimerWheel({
      now: () => this.#now,
      wake: (delayMs, run) => {
        this.#wakeAt = this.#now + delayMs;
        this.#wake = run;
        this.#flow();
      },
      sleep: () => (this.#wake = undefined),
    });
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return Math.floor(epochMs + this.#now);
  }

  set(alarm: Alarm, dueMs: number): void {
    this.#wheel.set(alarm, dueMs);
  }

  clear(alarm: Alarm): void {
    this.#wheel.clear(alarm);
  }

  defer(work: () => void): void {
    this.#quiet = 0;
    process.nextTick(work);
  }

  yield(work: () => void): void {
    this.#quiet = 0;
    setImmediate(() => {
      this.#quiet = 0;
      work();
    });
  }

  get alarms(): number {
    return this.#wheel.size;
  }

  /** The process stands still for so long: time passes and nothing happens in it. */
  stall(ms: number): void {
    this.#now += ms;
    if (ms > stallMs) this.pulse.stood(ms);
  }

  #flow(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    const turn = (): void => {
      const wake = this.#wake;
      if (wake === undefined) {
        this.#flowing = false;
        return;
      }
      if (++this.#quiet > quietTurns) {
        this.#quiet = 0;
        this.#wake = undefined;
        this.#now = Math.max(this.#now, this.#wakeAt);
        wake();
      }
      setImmediate(turn);
    };
    setImmediate(turn);
  }
}
