import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Cancellable, CancelReason } from "../../protocol/attempt.ts";
import type { Incoming } from "../../protocol/incoming.ts";

/** What runs under one key, and how many wait for it. */
export class Running {
  readonly input: string;
  outcome!: Promise<unknown>;
  /** What the handler works on; undefined before it begins. */
  work: Incoming | undefined = undefined;
  readonly #env: Env;
  #waiting = 0;
  #wake: (() => void) | undefined;

  constructor(input: string, env: Env) {
    this.input = input;
    this.#env = env;
  }

  /** One more waits, until `left`. */
  joined(): void {
    this.#waiting++;
  }

  /** One waits no more. Whose connection is lost may come back for the answer; who has given up will not. */
  left(reason: CancelReason): void {
    if (--this.#waiting > 0) return;
    this.#wake?.();
    if (reason !== "peer") this.work?.cancel(reason);
  }

  /** The process ends. */
  cut(): void {
    this.#wake?.();
    this.work?.cancel("shutdown");
  }

  /** Waits for so long before the next look; false when nobody wants it any more. */
  async pause(ms: number): Promise<boolean> {
    if (this.#waiting === 0) return false;
    const env = this.#env;
    return new Promise((resolve) => {
      const ended = (wanted: boolean): void => {
        env.clear(alarm);
        this.#wake = undefined;
        resolve(wanted);
      };
      const alarm = alarmAt(env, env.now() + ms, () => ended(true));
      this.#wake = () => ended(false);
    });
  }
}

/** A request that waits for what an earlier one with its key has begun; for as long as it is wanted itself. */
export class Joined extends Alarm implements Cancellable {
  readonly outcome: Promise<unknown>;
  /** The work has ended before it was given up here. */
  over = false;
  readonly #running: Running;
  readonly #incoming: Incoming;
  readonly #env: Env;
  #reject!: (error: unknown) => void;

  constructor(running: Running, incoming: Incoming, env: Env) {
    super();
    this.#running = running;
    this.#incoming = incoming;
    this.#env = env;
    this.outcome = new Promise((resolve, reject) => {
      this.#reject = reject;
      const over = (settle: (value: never) => void) => (value: unknown) => {
        env.clear(this);
        this.over ||= this.#incoming.cancelled === undefined;
        settle(value as never);
      };
      running.outcome.then(over(resolve), over(reject));
    });
    running.joined();
    env.set(this, Math.min(incoming.deadlineAt, incoming.totalAt));
    incoming.bind(this);
  }

  ring(): void {
    this.#incoming.cancel("deadline");
  }

  cancel(reason: CancelReason): void {
    this.#env.clear(this);
    this.#running.left(reason);
    const late = reason === "deadline";
    this.#reject(
      systemError(
        late ? "DEADLINE_EXCEEDED" : "CANCELLED",
        "an earlier request with this key is still at work",
        { executed: "maybe" },
      ),
    );
  }
}
