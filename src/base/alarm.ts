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

/** Resolves when `work` has, or after `delayMs`; rejects when `work` does before that. No alarm stays. */
export async function atMost(env: Env, delayMs: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const alarm = alarmAt(env, env.now() + delayMs, resolve);
  work.then(() => resolve(), reject);
  try {
    await promise;
  } finally {
    env.clear(alarm);
  }
}
