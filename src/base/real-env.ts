import { performance } from "node:perf_hooks"; // the global is a getter: 7 ns more for each look at the clock
import type { Env, HostClock } from "./env.ts";
import { hostClock } from "./host-clock.ts";
import { Pulse, stallMs } from "./pulse.ts";
import { TimerWheel } from "./timer-wheel.ts";

let shared: Env | undefined;

/** The machine's clock and randomness, with one timer wheel for the whole process. */
export function realEnv(): Env {
  return (shared ??= makeRealEnv());
}

function makeRealEnv(): Env {
  let timer: NodeJS.Timeout | undefined;
  let dueAt = 0;
  let turn: () => void;
  const now = (): number => performance.now();
  const fired = (): void => {
    timer = undefined;
    // After a stall nobody is told that nothing came in time before what has come is read.
    if (now() - dueAt > stallMs) setImmediate(turn);
    else turn();
  };
  const wheel = new TimerWheel({
    now,
    wake: (delayMs, run) => {
      turn = run;
      dueAt = now() + delayMs;
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
  let clock: { readonly known: HostClock | undefined } | undefined;
  let beat: NodeJS.Timeout | undefined;
  const env: Env = {
    now,
    wall: () => Date.now(),
    random: () => Math.random(),
    set: (alarm, dueMs) => wheel.set(alarm, dueMs),
    clear: (alarm) => {
      wheel.clear(alarm);
    },
    defer: (work) => process.nextTick(work),
    yield: (work) => void setImmediate(work),
    get hostClock() {
      return (clock ??= { known: hostClock(now) }).known;
    },
    get alarms() {
      return wheel.size;
    },
  };
  const pulse = new Pulse(env, (everyMs) => {
    clearInterval(beat);
    beat = everyMs > 0 ? setInterval(() => pulse.beat(), everyMs).unref() : undefined;
  });
  return Object.assign(env, { pulse });
}
