import { milliseconds, type Duration } from "./duration.ts";

/**
 * The instant after which nobody wants the answer, in milliseconds of the process's monotonic clock.
 * It is a plain number inside an object so that it cannot be mistaken for a duration.
 */
export class Deadline {
  /** Never: waits are then bounded by keep-alive and cancellation only. */
  static readonly never: Deadline = new Deadline(Infinity);

  /** Milliseconds of `env.now()`. */
  readonly at: number;

  constructor(at: number) {
    this.at = at;
  }

  /** The deadline `duration` after `now` (milliseconds of the monotonic clock; default: this instant). */
  static after(duration: Duration, now: number = performance.now()): Deadline {
    return new Deadline(now + milliseconds(duration));
  }

  /** Milliseconds left at `now`, never below zero. */
  remaining(now: number): number {
    return Math.max(0, this.at - now);
  }
}
