import type { Pulse } from "./pulse.ts";
import type { Alarm } from "./timer-wheel.ts";

/**
 * The surroundings of all protocol code: time, timers, randomness. Nothing else in the library reads a clock or a die,
 * so the whole stack runs in the simulator with a virtual clock and a seed.
 */
export interface Env {
  /** Milliseconds of a clock that never goes back. Its zero means nothing. */
  now(): number;
  /** Milliseconds since 1970: for ids and for people, never for waiting. */
  wall(): number;
  /** A number in [0, 1). */
  random(): number;
  /** Rings `alarm` at `dueMs` of `now()`, or one tick later. */
  set(alarm: Alarm, dueMs: number): void;
  /** Clears an alarm; nothing happens when it is not set. */
  clear(alarm: Alarm): void;
  /** Runs `work` when the current turn has ended, before any further input is read. */
  defer(work: () => void): void;
  /** Runs `work` after input that is already there has been read: gives the others a turn. */
  yield(work: () => void): void;
  /** The clock of the host, where all its processes have one. Absent: nothing is known of one. */
  readonly hostClock?: HostClock | undefined;
  /** Tells when the process has stood still. Absent: nobody looks. */
  readonly pulse?: Pulse | undefined;
  /** Alarms that are set; the tests assert zero when all is closed. */
  readonly alarms: number;
}

/** A monotonic clock that all processes of one host have in common: an instant of it means the same to each of them. */
export interface HostClock {
  /** The same for two processes only when their clock is the same. */
  readonly id: string;
  /** What is to be added to `env.now()` to get its milliseconds. */
  readonly offsetMs: number;
}
