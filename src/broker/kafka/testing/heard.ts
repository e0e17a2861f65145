import type { Env } from "../../../base/env.ts";
import { uuidv7 } from "../../../base/id.ts";
import { realEnv } from "../../../base/real-env.ts";
import type { Alarm } from "../../../base/timer-wheel.ts";
import type { Delivery } from "../../broker.ts";
import type { Envelope } from "../../envelope.ts";

export const env: Env = realEnv();

/** An Env that can stand still, as a process does between SIGSTOP and SIGCONT: no timer of it rings meanwhile. */
export function pausable(): { readonly env: Env; stop(): void; go(): void } {
  const due = new Map<Alarm, number>();
  let stopped = false;
  return {
    env: {
      ...env,
      now: () => env.now(),
      wall: () => env.wall(),
      random: () => env.random(),
      defer: (work) => env.defer(work),
      yield: (work) => env.yield(work),
      get alarms() {
        return env.alarms;
      },
      set(alarm, dueMs) {
        due.set(alarm, dueMs);
        if (!stopped) env.set(alarm, dueMs);
      },
      clear(alarm) {
        due.delete(alarm);
        env.clear(alarm);
      },
    },
    stop() {
      stopped = true;
      for (const alarm of due.keys()) env.clear(alarm);
    },
    go() {
      stopped = false;
      for (const [alarm, dueMs] of due) if (dueMs > env.now() - 60_000) env.set(alarm, dueMs);
    },
  };
}

export function envelope(text: string, terms: Partial<Envelope> = {}): Envelope {
  return {
    id: uuidv7(env),
    type: "test.said",
    source: "/test",
    subject: undefined,
    time: Math.floor(env.wall()),
    contentType: "text/plain",
    attributes: {},
    data: Buffer.from(text),
    ...terms,
  };
}

export const textOf: (delivery: Delivery) => string = ({ envelope: { data } }) =>
  Buffer.from(data).toString();

/** What came, and who waits for more of it. */
export class Heard {
  readonly all: Delivery[] = [];
  #look: () => void = () => {};
  readonly take = (batch: readonly Delivery[]): void => {
    this.all.push(...batch);
    this.#look();
  };
  async until(enough: (all: readonly Delivery[]) => boolean): Promise<readonly Delivery[]> {
    while (!enough(this.all)) await new Promise<void>((resolve) => (this.#look = resolve));
    return this.all;
  }
  count(count: number): Promise<readonly Delivery[]> {
    return this.until((all) => all.length >= count);
  }
}
