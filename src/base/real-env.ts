import { performance } from "node:perf_hooks"; // the global is a getter: 7 ns more for each look at the clock
import type { Env } from "./env.ts";
import { TimerWheel } from "./timer-wheel.ts";

let shared: Env | undefined;

/** The machine's clock and randomness, with one timer wheel for the whole process. */
export function realEnv(): Env {
  return (shared ??= makeRealEnv());
}

function makeRealEnv(): Env {
  let timer: NodeJS.Timeout | undefined;
  let turn: () => void;
  const fired = (): void => {
    timer = undefined;
    turn();
  };
  const now = (): number => performance.now();
  const wheel = new TimerWheel({
    now,
    wake: (delayMs, run) => {
      turn = run;
      clearTimeout(timer);
      timer = setTimeout(fired, Math.ceil(delayMs));
    },
    sleep: () => clearTimeout(timer),
    // Otherwise the deadline of a call that was answered long ago would keep the process from ending.
    hold: (held) => {
      if (held) timer?.ref();
      else timer?.unref();
    },
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
