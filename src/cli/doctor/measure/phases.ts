import { alarmAt, sleep } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import type { Distribution } from "./measured.ts";

/** More are not kept: an hour of calls would fill the memory. */
const samplesMost = 1_000_000;

/** Asks one after another for so long. */
export async function latencies(
  ask: () => Promise<void>,
  forMs: number,
  env: Env,
): Promise<Distribution> {
  const took: number[] = [];
  const begun = env.now();
  for (let from = begun; from - begun < forMs && took.length < samplesMost;) {
    await ask();
    const to = env.now();
    took.push(to - from);
    from = to;
  }
  return distribution(took);
}

/** Of durations in milliseconds. */
export function distribution(tookMs: readonly number[]): Distribution {
  const sorted = Float64Array.from(tookMs).toSorted();
  const at = (share: number): number => {
    const index = Math.max(0, Math.ceil(share * sorted.length) - 1);
    return (sorted[index] ?? 0) * 1_000;
  };
  return {
    p50Us: at(0.5),
    p99Us: at(0.99),
    p999Us: at(0.999),
    maxUs: at(1),
    samples: sorted.length,
  };
}

/** So many at once, for so long; resolves with how many were answered, and in which time. */
export async function load(
  ask: () => Promise<void>,
  inFlight: number,
  forMs: number,
  env: Env,
): Promise<{ readonly count: number; readonly tookMs: number }> {
  const begun = env.now();
  let count = 0;
  const work = async (): Promise<void> => {
    do {
      await ask();
      count++;
    } while (env.now() - begun < forMs);
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return { count, tookMs: env.now() - begun };
}

/** Pings that come back after this time are lost. */
const lostAfterMs = 500;

/** Sends notifications and waits for those that come back, for what has no answers. */
export class Pinger {
  readonly #send: () => Promise<void>;
  readonly #env: Env;
  #waiting: ((came: boolean) => void)[] = [];

  constructor(send: () => Promise<void>, env: Env) {
    this.#send = send;
    this.#env = env;
  }

  /** One has come back: which of those under way does not matter, they are all alike. */
  came(): void {
    this.#waiting.shift()?.(true);
  }

  /** Resolves with false when it was lost: neither it nor one that was sent with it came back. */
  async ping(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.push(resolve);
    const alarm = alarmAt(this.#env, this.#env.now() + lostAfterMs, () => {
      this.#waiting = this.#waiting.filter((each) => each !== resolve);
      resolve(false);
    });
    try {
      await this.#send();
      return await promise;
    } finally {
      this.#env.clear(alarm);
    }
  }
}

/** What was busy cleans up behind itself for a while: compiled code, dead objects. */
const settlesMs = 200;

/** Resolves with what is used while nothing is said, in milliseconds a second. */
export async function idle(cpuUs: () => Promise<number>, forMs: number, env: Env): Promise<number> {
  await sleep(env, Math.min(settlesMs, forMs / 2));
  // To ask costs something too: as much as between two questions, one right after the other, and more for the first one.
  await cpuUs();
  const first = await cpuUs();
  const before = await cpuUs();
  const begun = env.now();
  await sleep(env, forMs);
  const took = env.now() - begun;
  const used = (await cpuUs()) - before - (before - first);
  return Math.max(0, used) / took;
}
