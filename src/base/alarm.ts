import type { Env } from "./env.ts";
import { Alarm } from "./timer-wheel.ts";

class CallbackAlarm extends Alarm {
  readonly #run: () => void;

  constructor(run: () => void) {
    super();
    this.#run = run;
  }

  ring(): void {
    this.#run();
  }
}

/** Sets an alarm from a function, for places that wait rarely. Hot paths extend `Alarm` themselves. */
export function alarmAt(env: Env, dueMs: number, run: () => void): Alarm {
  const alarm = new CallbackAlarm(run);
  env.set(alarm, dueMs);
  return alarm;
}

/** Resolves after `delayMs`. */
export function sleep(env: Env, delayMs: number): Promise<void> {
  return new Promise((resolve) => void alarmAt(env, env.now() + delayMs, resolve));
}
