import type { Env } from "./env.ts";
import { TimerWheel } from "./timer-wheel.ts";

let shared: Env | undefined;

/** The machine's clock and randomness, with one timer wheel for the whole process. */
export function realEnv(): Env {
  return (shared ??= makeRealEnv());
}

function makeRealEnv(): Env {
  let timer: NodeJS.Timeout | undefined;
  const now = (): number => performance.now();
  const wheel = new TimerWheel({
    now,
    wake: (delayMs, run) => {
      clearTimeout(timer);
      timer = setTimeout(run, Math.ceil(delayMs));
    },
    sleep: () => clearTimeout(timer),
  });
  return {
    now,
    wall: () => Date.now(),
    random: () => Math.random(),
    set: (alarm, dueMs) => wheel.set(alarm, dueMs),
    clear: (alarm) => {
      wheel.clear(alarm);
    },
    defer: (work) => process.nextTick(work),
    yield: (work) => void setImmediate(work),
    get alarms() {
      return wheel.size;
    },
  };
}
